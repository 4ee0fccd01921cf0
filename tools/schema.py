"""Write the JSON schema of the config from its models: python tools/schema.py."""

from selfalign.config.generate import SCHEMA, write_schema
from selfalign.home import HOME

if __name__ == "__main__":
    (HOME / SCHEMA).write_text(write_schema(), encoding="utf-8")
