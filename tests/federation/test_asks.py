"""What a strategy asks of one client reaches no other."""

import numpy as np
from flwr.app import ConfigRecord, Message

from fedsoft.federation import asks
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.records import RecordDict, to_record


def test_messages_that_share_a_content_are_told_apart(make_task):
    InProcessGrid(make_task())  # gives Flower the identity that messages need
    config = ConfigRecord({"server-round": 3})
    content = RecordDict({"arrays": to_record({"w": np.zeros(2, np.float32)}), "config": config})
    one, other = (Message(content, node, "train") for node in (1, 2))
    for value, message in ((1.0, one), (2.0, other)):
        asks.attach(message, asks.CORRECTION, {"w": np.full(2, value, np.float32)})
        asks.tell(message, anchor=value)
    for value, message in ((1.0, one), (2.0, other)):
        assert asks.attached(message.content, asks.CORRECTION)["w"].tolist() == [value, value]
        assert message.content["config"] == {"server-round": 3, asks.ANCHOR: value}
    assert set(content) == {"arrays", "config"}
    assert dict(config) == {"server-round": 3}
    assert asks.attached(one.content, "another") is None
