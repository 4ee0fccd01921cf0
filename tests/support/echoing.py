"""A server that echoes chats with a tokenizer's own template, as vLLM does with `prompt_logprobs`."""

import json
from collections.abc import Callable

import pandas as pd
from asking import endpoint_of
from selfalign.inference.endpoint.bodies import read_answer
from selfalign.inference.endpoint.checks import checks_of
from selfalign.inference.endpoint.collect import collect_replies
from selfalign.inference.endpoint.requests import requests_of
from selfalign.ledger.rows import Entry
from transformers import PreTrainedTokenizerBase


def log_p_of(token: int) -> float:
    """A log-probability that only the token decides, so that a sum shows which tokens were read."""
    return -0.01 - 0.001 * (token % 997)


def echo_of(tokenizer: PreTrainedTokenizerBase, body: dict) -> dict:
    """The answer of a server that writes the messages with this tokenizer's template."""
    settings = {"add_generation_prompt": body.get("add_generation_prompt", True)}
    settings["continue_final_message"] = body.get("continue_final_message", False)
    settings |= body.get("chat_template_kwargs", {})
    text = tokenizer.apply_chat_template(body["messages"], tokenize=False, **settings)
    tokens = tokenizer(text, add_special_tokens=False).input_ids
    given = [{str(one): {"logprob": log_p_of(one), "decoded_token": tokenizer.decode([one])}} for one in tokens]
    answer = {"choices": [{"message": {"content": "x"}, "finish_reason": "length"}]}
    if "prompt_logprobs" in body:
        answer["prompt_logprobs"] = [None, *given[1:]]
    return answer | {"usage": {"prompt_tokens": len(tokens), "completion_tokens": 1}}


def speaking(tokenizer: PreTrainedTokenizerBase) -> Callable[[dict, int], tuple]:
    """What the endpoint in miniature says with this tokenizer's template."""
    return lambda body, attempt: (200, echo_of(tokenizer, body))


def entries_of(tokenizer: PreTrainedTokenizerBase, prompts: pd.DataFrame, **settings: object) -> dict[str, Entry]:
    """What a ledger holds after such a server was asked, by key."""
    endpoint = endpoint_of(**({"readout": "echo"} | settings))
    asked = [one for prompt in prompts.itertuples() for one in requests_of(prompt, endpoint, "chat")]
    return {
        one.key: read_answer(json.dumps(echo_of(tokenizer, one.body)).encode(), one, endpoint, "")
        for one in [*checks_of(endpoint, "chat"), *asked]
    }


def echoed(tokenizer: PreTrainedTokenizerBase, prompts: pd.DataFrame, **settings: object) -> pd.DataFrame:
    """The table of answers that such a server gives with readout `echo`."""
    endpoint = endpoint_of(**({"readout": "echo"} | settings))
    return collect_replies(prompts, entries_of(tokenizer, prompts, **settings), endpoint, "chat", "-")
