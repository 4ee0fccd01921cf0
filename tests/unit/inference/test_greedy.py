"""What a greedy reply says, from its tokens."""

from dataclasses import replace

import pytest
from selfalign.inference.local.generate import Reply
from selfalign.inference.local.greedy import ReplyPlan, add_replies, entry_of_reply
from selfalign.inference.local.render import Rendered
from selfalign.inference.readouts import list_options
from tiny import PRESS, table_of, tiny_tokenizer


@pytest.mark.parametrize(
    ("marks", "reply", "means"),
    [
        pytest.param(["[THINK]", "[/THINK]"], "[THINK]has[/THINK]", None, id="Magistral, a thought alone"),
        pytest.param(["[THINK]", "[/THINK]"], "[THINK]has", None, id="Magistral, an open thought"),
        pytest.param(["[THINK]", "[/THINK]"], "[THINK]has[/THINK]lacks it", 2, id="Magistral, a thought and a reply"),
        pytest.param(["<|channel>", "<channel|>"], "<|channel>thought\n<channel|>has", 1, id="Gemma 4"),
        pytest.param(["<seed:think>", "</seed:think>"], "<seed:think></seed:think>has", 1, id="Seed-OSS"),
        pytest.param(["<|im_start|>"], "<|im_start|>has", 1, id="another special token"),
    ],
)
def test_marks_of_thoughts_count_although_they_are_special_tokens(
    marks: list[str], reply: str, means: int | None
) -> None:
    tokenizer, table = tiny_tokenizer(), table_of([([], PRESS)], ("has", "lacks it"))
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    (key, *_), answers = table["prompt"], list_options(table)[["prompt", "place"]]
    entry = entry_of_reply(Reply(Rendered(key, "", (1,), ()), tuple(tokenizer(reply).input_ids), True), "k", tokenizer)
    earlier = replace(entry, scores=entry.scores | {"reply": tokenizer.decode(tokenizer(reply).input_ids, True)})
    plan = ReplyPlan({}, {key: "k"}, frozenset(), 5)
    for one in (entry, earlier):  # an earlier version recorded replies without marks
        filled = add_replies(answers, table, plan, {"k": one}, "en", tokenizer)
        assert filled["replied"].dropna().unique().tolist() == ([means] if means else [])
