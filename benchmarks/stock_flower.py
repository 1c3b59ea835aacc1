"""The same training on stock Flower simulation: `Strategy.start` on Ray, one simulation a run."""

import time
import warnings
from itertools import pairwise

import torch
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from benchmarks.networks import as_float
from benchmarks.plain_loop import fit, torch_model
from benchmarks.tasks import load
from fedsoft.streams import stream

client_app = ClientApp()


@client_app.train()
def train(message: Message, context: Context) -> Message:
    """A client as Flower's tutorials write it."""
    torch.set_num_threads(1)
    task, _ = load(str(message.content["config"]["study"]))
    inputs, model = as_float(task.inputs), torch_model(task)
    model.load_state_dict(message.content["arrays"].to_torch_state_dict())
    rows = task.train.of(int(context.node_config["partition-id"]))
    rng = stream("benchmark order", round=int(message.content["config"]["server-round"]))
    orders = [torch.from_numpy(rng.permutation(rows)) for _ in range(task.training.epochs)]
    fit(model, inputs, task.targets, task, orders)
    metrics = MetricRecord({"num-examples": len(rows)})
    return Message(
        RecordDict({"arrays": ArrayRecord(model.state_dict()), "metrics": metrics}), reply_to=message
    )


def run(study: str, rounds: int, workers: int) -> tuple[list[float], float]:
    """Seconds of each round after the first, and of the whole simulation with its start."""
    from flwr.simulation import run_simulation

    task, validation = load(study)
    model, marks = torch_model(task), []
    server = ServerApp()

    @server.main()
    def main(grid: Grid, context: Context) -> None:
        clients = len(task.occupied)
        strategy = FedAvg(
            fraction_evaluate=0.0,
            min_train_nodes=clients,
            min_available_nodes=clients,
        )

        def evaluate(server_round: int, arrays: ArrayRecord) -> None:
            model.load_state_dict(arrays.to_torch_state_dict())
            with torch.no_grad():
                inputs = as_float(task.inputs[validation])
                torch.nn.functional.cross_entropy(model(inputs), task.targets[validation])
            marks.append(time.perf_counter())

        strategy.start(
            grid,
            ArrayRecord(model.state_dict()),
            num_rounds=rounds,
            train_config=ConfigRecord({"study": study}),
            evaluate_fn=evaluate,
        )

    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_simulation(
            server,
            client_app,
            num_supernodes=len(task.occupied),
            backend_config={
                "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
                "init_args": {
                    "address": "local",  # never a cluster that happens to run here
                    "num_cpus": workers,
                    "log_to_driver": False,
                    "include_dashboard": False,
                },
            },
        )
    whole = time.perf_counter() - began
    return [b - a for a, b in pairwise(marks[1:])], whole
