"""What the axes of a grid are called in figures."""

NAMES = {
    "rounds": "number of rounds",
    "training.lr": "learning rate",
    "scenario.clients": "number of clients",
    "scenario.votes": "votes an example",
    "scenario.participation": "share of clients in each round",
    "privacy.labels.epsilon": "privacy loss ε",
    "vote": "ε a vote",
    "image": "ε an example",
    "annotator": "ε an annotator",
    "client": "ε a client",
    "scenario.label_errors": "share of the clients' labels that is wrong",
}


def axis_name(key: str) -> str:
    """Words for a dotted key of the study file; the key itself where there are none."""
    return NAMES.get(key, key)
