"""The tokens of a prompt, exactly as the model got them."""

import json

import pandas as pd

from selfalign.audit.trace.results import Results
from selfalign.audit.trace.show import paragraph, section
from selfalign.errors import InputError


def describe_tokens(results: Results, model: str, language: str, prompt: str, sent: pd.Series) -> str:
    """Ids and pieces of a prompt's tokens.

    They are made as the step infer makes them: with the model's tokenizer, chat template and settings.

    Args:
        model: its name.
        language: of the prompt.
        prompt: its id.
        sent: a row of `Answers`: what was sent.

    Raises:
        InputError: the model's files are not here, or they no longer make the text that was sent.
    """
    from selfalign.inference.local.infer import load_tokenizer  # transformers takes seconds to import
    from selfalign.inference.local.render import PromptFormat, render
    from selfalign.inference.local.setup import fill_date
    from selfalign.inference.messages import place_demonstrations

    settings, weights = results.config.models[model], results.run.weights(model)
    if settings.endpoint or not weights.is_dir():
        place = f"endpoint {settings.endpoint.url}" if settings.endpoint else weights
        raise InputError(place, "the tokenizer of the model is not here", "Leave out --tokens", value=model)
    table = results.prompts(language).loc[[prompt]].reset_index(drop=True)
    table = place_demonstrations(table, settings.shown, settings.format)
    tokenizer = load_tokenizer(weights)
    prompt_format = PromptFormat(tokenizer, settings.format, fill_date(settings.template.given), language)
    (rendered,) = render(table, prompt_format, None)
    if rendered.text != sent["text"] or len(rendered.tokens) != sent["tokens"]:
        problem = f"the tokenizer or its template no longer makes the text of prompt {prompt}"
        raise InputError(weights, problem, "Run snakemake again, or leave out --tokens")
    pieces = tokenizer.convert_ids_to_tokens(list(rendered.tokens))
    listed = " ".join(
        f"{number}:{json.dumps(piece, ensure_ascii=False)[1:-1]}"
        for number, piece in zip(rendered.tokens, pieces, strict=True)
    )
    return section(f"Tokens of prompt {prompt}, as id:piece", paragraph(listed))
