"""Tiny random models of the families that people run, always the same ones: no weights are fetched.

Each has what makes its family different: windows that slide, soft-capping, ALiBi, shared keys, experts. Windows are
shorter than the tests' prompts. Weights are large enough that the models have opinions.
"""

from collections.abc import Callable

import torch
from selfalign.weight_checks import model_class
from transformers import (
    AfmoeConfig,
    BloomConfig,
    Cohere2Config,
    CohereConfig,
    FalconConfig,
    Gemma2Config,
    Gemma3Config,
    Gemma3TextConfig,
    GemmaConfig,
    GPT2Config,
    GPTNeoConfig,
    GPTNeoXConfig,
    JetMoeConfig,
    Llama4TextConfig,
    LlamaConfig,
    Mistral3Config,
    MistralConfig,
    MixtralConfig,
    MptConfig,
    Olmo2Config,
    Phi3Config,
    PixtralVisionConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
    SiglipVisionConfig,
)

VOCABULARY = 300
WINDOW = 7
"""Tokens that a sliding window holds, the token itself among them."""
POSITIONS = 512

_ALL = {
    "vocab_size": VOCABULARY,
    "initializer_range": 0.2,
    "pad_token_id": None,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_SIZES = _ALL | {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": POSITIONS,
}
_MIXED = ["sliding_attention", "sliding_attention", "full_attention"]
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 32}

_EYE = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}

CONFIGS: dict[str, Callable[[], PreTrainedConfig]] = {
    "llama": lambda: LlamaConfig(**_SIZES),
    # Its queries depend on the place in layers without RoPE, and other layers see chunks of the text.
    "llama4": lambda: Llama4TextConfig(
        **_SIZES,
        head_dim=16,
        intermediate_size_mlp=64,
        num_local_experts=2,
        no_rope_layers=[1, 1, 0],
        attention_chunk_size=WINDOW,
        floor_scale=WINDOW,
    ),
    "mistral": lambda: MistralConfig(**_SIZES, sliding_window=WINDOW),
    "qwen2": lambda: Qwen2Config(**_SIZES, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1),
    "qwen3": lambda: Qwen3Config(**_SIZES, head_dim=8),
    "gemma": lambda: GemmaConfig(**_SIZES, head_dim=16),
    "gemma2": lambda: Gemma2Config(**_SIZES, head_dim=16, sliding_window=WINDOW, layer_types=_MIXED),
    "gemma3": lambda: Gemma3TextConfig(**_SIZES, head_dim=16, sliding_window=WINDOW, layer_types=_MIXED),
    # Mistral Small 3.2 and the larger models of Gemma 3 read images as well.
    "mistral3": lambda: Mistral3Config(
        text_config=MistralConfig(**_SIZES), vision_config=PixtralVisionConfig(**_EYE), image_token_index=299
    ),
    "gemma3_images": lambda: Gemma3Config(
        text_config=Gemma3TextConfig(**_SIZES, head_dim=16, sliding_window=WINDOW, layer_types=_MIXED),
        vision_config=SiglipVisionConfig(**_EYE),
        mm_tokens_per_image=4,
        image_token_index=299,
    ),
    "bloom": lambda: BloomConfig(**_ALL, hidden_size=48, n_layer=3, n_head=6),  # 6: slopes of no power of two
    "cohere": lambda: CohereConfig(**_SIZES, logit_scale=1.0),
    "cohere2": lambda: Cohere2Config(**_SIZES, logit_scale=1.0, sliding_window=WINDOW, layer_types=_MIXED),
    "gpt_neox": lambda: GPTNeoXConfig(**{k: v for k, v in _SIZES.items() if k != "num_key_value_heads"}),
    "phi3": lambda: Phi3Config(**_SIZES),
    "olmo2": lambda: Olmo2Config(**_SIZES),
    "falcon": lambda: FalconConfig(**_SIZES, new_decoder_architecture=True, num_kv_heads=2),
    "falcon_alibi": lambda: FalconConfig(
        **_ALL,
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=6,
        alibi=True,
        multi_query=False,
        parallel_attn=False,
        new_decoder_architecture=False,
        max_position_embeddings=POSITIONS,
    ),
    "mpt": lambda: MptConfig(**_ALL, d_model=48, n_heads=6, n_layers=3, max_seq_len=POSITIONS),
    "gpt2": lambda: GPT2Config(**_ALL, n_embd=32, n_layer=3, n_head=4, n_positions=POSITIONS),
    "gpt_neo": lambda: GPTNeoConfig(
        **_ALL,
        hidden_size=32,
        num_layers=2,
        num_heads=4,
        attention_types=[[["global", "local"], 1]],
        window_size=WINDOW,
        max_position_embeddings=POSITIONS,
    ),
    "mixtral": lambda: MixtralConfig(**_SIZES, num_local_experts=4, num_experts_per_tok=2, sliding_window=WINDOW),
    "qwen3_moe": lambda: Qwen3MoeConfig(**_SIZES, **_EXPERTS, head_dim=8, num_experts=4),
    "afmoe": lambda: AfmoeConfig(**_SIZES, **_EXPERTS, head_dim=8, num_experts=4, num_dense_layers=1),
    "jetmoe": lambda: JetMoeConfig(
        **_SIZES | {"num_key_value_heads": 4}, num_local_experts=4, num_experts_per_tok=2, kv_channels=8
    ),
}


def tiny_model(family: str) -> PreTrainedModel:
    """A random model of a family, in float32, always the same.

    Args:
        family: a key of `CONFIGS`.
    """
    torch.manual_seed(1)
    config = CONFIGS[family]()
    model = model_class(config).from_config(config, dtype=torch.float32).eval()
    # Norms and biases start as ones and zeros in every family: a mistake in them would go unseen.
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=float(parameter.detach().mean()), std=0.1)
    return model
