"""How a model runs here, and the facts that the fingerprint of its answers is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from selfalign.inference.choices import DATE
from selfalign.inference.local.engine import VERSION


@dataclass(frozen=True)
class Setup:
    """The settings of a model that decide its answers.

    Attributes:
        form: how a prompt becomes text, one of `choices.FORMATS`. The config calls this setting `format`.
        dtype: number format of weights and activations.
        engine: one of `choices.ENGINES`.
        attention: one of `choices.ATTENTIONS`.
        template: the values that the settings give the chat template.
        shown: where the demonstrations are in a chat, one of `choices.SHOWN`.
    """

    form: str
    dtype: str
    engine: str
    attention: str
    template: Mapping[str, object]
    shown: str

    @classmethod
    def of_model(cls, settings: Mapping[str, Any]) -> "Setup":
        """The setup in the settings of a model, as the config has them."""
        return cls.of_options({**settings, "form": settings["format"]})

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> "Setup":
        """The setup in the options of the step infer, by the names of its parameters."""
        return cls(**{one.name: options[one.name] for one in fields(cls)})

    def facts(self, card: Mapping[str, object], device: str) -> dict[str, object]:
        """Facts that decide an answer, except the model's input: the digests of the model's files, and the setup.

        Args:
            device: kind of the device: `cpu`, `cuda` or `mps`.
        """
        digests = {key: value for key, value in card.items() if key.endswith("_sha256")}
        return digests | {
            "format": self.form,
            "dtype": self.dtype,
            "device": device,
            "engine": self.engine,
            "attention": self.attention,
            "template": fill_date(self.template),
            "shown": self.shown,
            "version": VERSION,
            **({} if self.dtype == "float32" else {"head": "float32"}),  # see `heads.widen_head`
        }


def fill_date(template: Mapping[str, object]) -> dict[str, object]:
    """The values that a chat template gets, with the default date if the settings give none."""
    return {"date": DATE} | dict(template)
