"""What must never be seen: passwords, tokens and keys are made known here when they are read, and hidden in all output.

Nothing is guessed from how a text looks: whoever reads a secret calls `register` or `register_address`, and `hide`
replaces exactly these texts by `***`, however a library has quoted them. `metrica.logs` does that for each record of
any logger and for what a node prints, and the launcher for whatever its nodes print.

| file | what is in it |
|---|---|
| `registry` | the secrets that this process knows, and `hide` |
| `forms` | how a secret may be written: percent-encoded, in a `repr`, in JSON, in Base64, … |
| `addresses` | what is secret in an address |
| `handler` | `logging` without secrets |
| `streams` | standard output and error without secrets |
| `private_file` | files that only their owner can read, for what a person has to see |
"""

from metrica.secrets.addresses import register_address, register_environment
from metrica.secrets.private_file import write_private
from metrica.secrets.registry import HIDDEN, forget_all, hide, hide_value, register, suspect

__all__ = [
    "HIDDEN",
    "forget_all",
    "hide",
    "hide_value",
    "register",
    "register_address",
    "register_environment",
    "suspect",
    "write_private",
]
