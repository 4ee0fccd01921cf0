"""The output layer of models in bfloat16 and float16."""

from torch import nn
from transformers import PreTrainedModel


def widen_head(model: PreTrainedModel) -> None:
    """Let a model's output layer compute in float32, from a copy of its weights.

    In bfloat16, logits between 16 and 32 have steps of 0.125. Two options then often have the same logit.

    Args:
        model: changed in place. A layer that is quantised stays as it is.
    """
    head = model.get_output_embeddings()
    if type(head) is not nn.Linear or not head.weight.is_floating_point():
        return
    for name, values in list(head.named_parameters()):
        setattr(head, name, nn.Parameter(values.detach().float(), requires_grad=False))  # embeddings keep their own
    head.register_forward_pre_hook(lambda _, inputs: (inputs[0].float(), *inputs[1:]))
