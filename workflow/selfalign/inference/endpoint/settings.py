"""The settings of an endpoint. The config has the same type, with a price."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from selfalign.forms import Section

REQUEST_VERSION = "1"
"""Part of the fingerprint of an answer. Raise it when a change of this package changes what is asked or kept."""

_DECIDING = (
    "url", "model", "readout", "top_logprobs", "samples_per_request", "temperature", "reply_tokens", "seed",
    "limit_name", "instruction", "extra",
)  # fmt: skip
"""Settings that decide an answer. A new name here gives every answer another fingerprint, so ledgers lose theirs."""


class Endpoint(Section):
    """An endpoint; config/models.md explains every setting.

    The config checks its settings (`selfalign.config.sections.PricedEndpoint`). The step `ask` imports only this module
    of them, so that its code does not depend on the whole config.
    """

    url: str = Field(
        pattern="^https?://[^?#]+$",
        examples=["https://api.example.org/v1"],
        description="Address, up to and with its version.",
    )
    model: str = Field(description="Name of the model there.")
    key_env: str | None = Field(
        None, pattern="^[A-Za-z_][A-Za-z0-9_]*$", examples=["MY_API_KEY"], description="Variable that holds the key."
    )
    readout: Literal["logprobs", "echo", "samples"] = Field(
        "logprobs",
        description="What the endpoint returns: log-probabilities of first tokens, echoed prompts, or sampled replies.",
    )
    top_logprobs: int = Field(20, ge=1, description="logprobs: how many first tokens.")
    samples: int = Field(20, ge=1, description="samples: replies per prompt.")
    samples_per_request: int = Field(1, ge=1, description="samples: replies per request.")
    temperature: float = Field(1.0, ge=0, description="samples: temperature.")
    reply_tokens: int = Field(32, ge=1, description="samples: longest reply.")
    seed: int | None = Field(None, ge=0, description="samples: seed of the first reply; sent if given.")
    limit_name: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="Name of the field that limits the tokens of a reply."
    )
    instruction: Literal["system", "user"] = Field("system", description="The message that has the instruction.")
    extra: dict[str, Any] = Field({}, description="More fields to send with each request.")
    concurrency: int = Field(8, ge=1, description="Requests at once.")
    requests_per_minute: float | None = Field(None, gt=0, description="Largest rate; no limit if not given.")
    tokens_per_minute: float | None = Field(None, gt=0, description="Largest rate; no limit if not given.")
    max_requests: int | None = Field(
        None, ge=1, description="Largest number in a language, over all runs; no limit if not given."
    )
    max_tokens: int | None = Field(
        None, ge=1, description="Largest number in a language, over all runs; no limit if not given."
    )
    max_failed: int = Field(0, ge=0, description="Requests that may fail after all attempts.")
    timeout: float = Field(120, gt=0, description="Seconds without a byte of the answer until an attempt fails.")
    retries: int = Field(8, ge=0, description="Attempts after the first.")

    @property
    def greedy(self) -> bool:
        """Whether the answer is one greedy reply per prompt."""
        return self.readout == "samples" and self.samples == 1 and self.temperature == 0

    def facts(self, form: str, shown: str = "turns") -> dict[str, object]:
        """Settings that decide an answer, except the prompt. Rates and the number of samples are not among them.

        Args:
            form: chat or plain.
            shown: where the demonstrations are in a chat.
        """
        settings = {name: getattr(self, name) for name in _DECIDING} | {"format": form, "version": REQUEST_VERSION}
        return settings if shown == "turns" else settings | {"shown": shown}


def without_price(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of an endpoint without its price, which changes no answer."""
    return {name: value for name, value in settings.items() if name != "price"}
