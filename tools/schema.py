"""Write the JSON schema and the page of settings from the models of the config: python tools/schema.py."""

from selfalign.config.generate import SCHEMA, write_schema
from selfalign.config.reference import PAGE, write_reference
from selfalign.home import HOME

if __name__ == "__main__":
    (HOME / SCHEMA).write_text(write_schema(), encoding="utf-8")
    (HOME / PAGE).write_text(write_reference(), encoding="utf-8")
