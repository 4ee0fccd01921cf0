"""Input functions of the rules in rules/scoring.smk."""


def cut_files(wildcards, input):
    """The respondents, their groups, and the kinds of probes, where the run has them: options of steps that estimate again."""
    given = {
        "responses": input.responses,
        "members": input.members,
        "kinds": input.kinds,
    }
    return [f"--{name}={file}" for name, files in given.items() for file in files]
