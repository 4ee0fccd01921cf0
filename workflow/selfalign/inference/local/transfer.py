"""Arrays on their way to a GPU and numbers on their way back, without waiting for what the GPU computes.

A plain copy to or from a GPU waits until the GPU has finished all queued work. Then the GPU is idle until the CPU has
prepared more work. Copies from and to page-locked memory are queued like other work.
"""

import numpy as np
import torch


def send(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """An array on a device."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class Parcel:
    """Numbers of a tensor (n), which a device may still compute."""

    def __init__(self, values: torch.Tensor) -> None:
        self._values, self._event = values, None
        if values.device.type == "cuda":
            with torch.cuda.device(values.device):
                self._values = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
                self._values.copy_(values, non_blocking=True)
                self._event = torch.cuda.Event()
                self._event.record()

    def open(self) -> list[float]:
        """The numbers, as soon as they are here."""
        if self._event is not None:
            self._event.synchronize()
        return self._values.tolist()
