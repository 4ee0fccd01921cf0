"""Run Mistral's own code, which the project's environment lacks: build its tokenizers, or encode conversations with it.

    python mistral_reference.py PACKAGES build FOLDER
    python mistral_reference.py PACKAGES encode FOLDER < conversations.json > tokens.json

PACKAGES is the folder with `mistral-common` and its dependencies. FOLDER gets one tokenizer of Hugging Face for each
vocabulary, made from the file that `mistral-common` carries, with the chat template that it generates.
"""

import json
import shutil
import sys
from pathlib import Path

VOCABULARIES = {
    "v1": "tokenizer.model.v1",
    "v2": "mistral_instruct_tokenizer_240216.model.v2",
    "v3": "mistral_instruct_tokenizer_240323.model.v3",
    "v7": "mistral_instruct_tokenizer_241114.model.v7",
    "v3-tekken": "tekken_240911.json",
    "v7-tekken": "tekken_240911.json",
}


def place(folder: Path, version: str) -> Path:
    """Where a vocabulary lies for Mistral's code, which reads the version from the name or from the file."""
    name = "tekken.json" if version.endswith("tekken") else f"tokenizer.model.{version}"
    return folder / "mistral" / version / name


def build(folder: Path) -> None:
    """Copy the vocabularies, and convert them."""
    import mistral_common
    from mistral_common.integrations.chat_templates.chat_templates import convert_tokenizer_to_chat_template
    from transformers import LlamaTokenizer
    from transformers.integrations.mistral import convert_tekken_tokenizer

    for version, name in VOCABULARIES.items():
        source = Path(mistral_common.__file__).parent / "data" / name
        file = place(folder, version)
        file.parent.mkdir(parents=True)
        if version == "v7-tekken":  # the same vocabulary, laid out as by the next version
            content = json.loads(source.read_text(encoding="utf-8"))
            content["config"]["version"] = "v7"
            file.write_text(json.dumps(content), encoding="utf-8")
        else:
            shutil.copy(source, file)
        template = convert_tokenizer_to_chat_template(str(file))
        if version.endswith("tekken"):
            tokenizer = convert_tekken_tokenizer(str(file))
        else:
            shutil.copy(source, file.parent / "tokenizer.model")
            tokenizer = LlamaTokenizer.from_pretrained(file.parent, legacy=False, add_bos_token=True)
        tokenizer.chat_template = template
        tokenizer.save_pretrained(folder / version)


def encode(folder: Path) -> dict[str, list[list[int]]]:
    """Tokens of conversations: for each version, a list of those that end with a user's message."""
    from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
    from mistral_common.protocol.instruct.request import ChatCompletionRequest
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    kinds = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}
    found = {}
    for version, conversations in json.load(sys.stdin).items():
        tokenizer = MistralTokenizer.from_file(str(place(folder, version)))
        found[version] = []
        for messages in conversations:
            made = [kinds[message["role"]](content=message["content"]) for message in messages]
            found[version].append(tokenizer.encode_chat_completion(ChatCompletionRequest(messages=made)).tokens)
    return found


if __name__ == "__main__":
    packages, command, folder = sys.argv[1:]
    sys.path.append(packages)  # after the project's own packages
    if command == "build":
        build(Path(folder))
    else:
        json.dump(encode(Path(folder)), sys.stdout)
