"""The command `verify`: `files`, `rerun` and `sample` check a run, `findings` are the result."""
