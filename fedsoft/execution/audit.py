"""An attack on what a study claims of its privacy: what is attacked, and what comes of it."""

import math
from dataclasses import dataclass

import numpy as np

from fedsoft.execution.attack import Attack, Claim, Effort, Evidence, Seen
from fedsoft.privacy import DiscreteGaussian
from fedsoft.privacy.audit import (
    Guessed,
    Rate,
    area_under_curve,
    audit_guesses,
    epsilon_of_scores,
    rate_at,
)
from fedsoft.streams import stream
from fedsoft.study.canaries import Fates
from fedsoft.study.opened import OpenStudy
from fedsoft.study.plan import Cell
from fedsoft.study.prepare import prepare
from fedsoft.study.protection import Protection
from fedsoft.study.settings import RunSettings

ALPHA = 0.05
"""The probability with which any bound of an audit may lie above the true ε."""


@dataclass(frozen=True)
class Test:
    """How well scores tell the two worlds apart, over all canaries of the attacked models.

    Attributes:
        auc: area under the ROC curve; .5 is chance.
        at_thousandth: true positive rate at a false positive rate of 0.1 %.
        at_hundredth: the same at 1 %.
        epsilon: the ε that a threshold implies, chosen on half of the models, were canaries independent
            trials.
    """

    auc: float
    at_thousandth: Rate
    at_hundredth: Rate
    epsilon: float


@dataclass(frozen=True)
class Finding:
    """One attack on one run.

    Attributes:
        source: label of the arm.
        claim: what it claims.
        seen: what the attacker looks at.
        guessed: the bound on ε.
        test: how well the worlds are told apart.
    """

    source: str
    claim: Claim
    seen: Seen
    guessed: Guessed
    test: Test

    @property
    def contradicts(self) -> bool:
        """Whether more leaks than is claimed."""
        return self.claim.epsilon is not None and self.guessed.epsilon > self.claim.epsilon


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        findings: one a run, claim and view of the attacker; all bounds hold together.
        left_out: sentences on what was not audited.
        effort: what was done.
    """

    findings: list[Finding]
    left_out: list[str]
    effort: Effort


@dataclass(frozen=True)
class PlannedAudit:
    """Attacks whose canaries are chosen and that are to be done, each with the label of its arm."""

    attacks: list[tuple[str, Attack]]
    left_out: list[str]
    effort: Effort

    def run(self) -> Audit:
        """Train, look, guess.

        Raises:
            EngineError: a model of the audit cannot be trained.
        """
        found = [
            (source, attack.claim, evidence)
            for source, attack in self.attacks
            for evidence in attack.evidence()
        ]
        alpha = ALPHA / max(len(found), 1)
        findings = []
        for source, claim, evidence in found:
            ties = stream("guesses", source=source, of=claim.of, seen=evidence.seen, draw=self.effort.draw)
            findings.append(_finding(source, claim, evidence, ties, alpha))
        return Audit(findings, self.left_out, self.effort)


def plan_audit(opened: OpenStudy, cell: Cell, effort: Effort) -> PlannedAudit:
    """Attacks on the endpoint's source and its baseline under its strategy, in the first seed of a cell.

    Raises:
        FedsoftError: the data have too few canaries, or what is claimed cannot be accounted for.
    """
    attacks, left_out = [], []
    for run in audited_runs(cell):
        if why := _unfit(run):
            left_out.append(f"{run.arm.label()}: {why}")
            continue
        trained = run.trained()[0]
        protection = protection_of_training(trained, opened)
        for claim in claims_of(trained, protection, effort.members):
            attack = Attack.planned(trained, claim, effort, opened, protection)
            attacks.append((run.arm.label(), attack))
    return PlannedAudit(attacks, left_out, effort)


def audited_runs(cell: Cell) -> list[RunSettings]:
    """The runs of the compared arms, the source on trial first."""
    study = cell.study
    runs = [run for run in cell.runs if run.strategy.label() == study.reference_strategy]
    of = {run.arm.label(): run for run in reversed(runs)}  # of several seeds, the first
    return [of[label] for label in dict.fromkeys(study.pair)]


def claims_of(run: RunSettings, protection: Protection | None, members: bool = False) -> list[Claim]:
    """What a run claims to hide; its labels where it claims nothing; ``members`` too, where asked for.

    Args:
        run: its settings.
        protection: what protects its training, if anything does.
        members: whether to ask who was trained on, of which nothing is claimed.
    """
    labels, found = run.mechanism, []
    if labels:
        delta = labels.delta if isinstance(labels, DiscreteGaussian) else 0.0
        found.append(Claim("labels", labels.label(), labels.unit, "labels", labels.epsilon, delta))
    if protection:
        model, spent = protection.mechanism, protection.spent
        # Neighbours that may differ in a row differ in a label, where they may not differ in number.
        fates: Fates = "flipped" if spent["model_relation"] == "add_or_remove" else "labels"
        epsilon, delta = (float(spent[key]) for key in (f"model_epsilon_per_{model.unit}_max", "model_delta"))
        found.append(Claim("training", model.label(), model.unit, fates, epsilon, delta))
    if not found:
        found.append(Claim("labels", None, "image", "labels"))
    if members:
        found.append(Claim("training", None, "example", "members"))
    return found


def protection_of_training(run: RunSettings, study: OpenStudy) -> Protection | None:
    """What protects a run's training; None where nothing does.

    Raises:
        FedsoftError: what it spends cannot be accounted for.
    """
    if run.privacy is None or run.privacy.model is None:
        return None
    # It has nothing to do with labels, for which a prior may have to run.
    alone = run.model_copy(update={"privacy": run.privacy.model_copy(update={"labels": None})})
    return prepare(alone, study.store, study.device).protection


def _unfit(run: RunSettings) -> str | None:
    """Why a run is not attacked, if it is not."""
    if not run.trained() or run.own is not None:
        return "a model of your own is not trained here."
    for source in run.sources:
        if source.in_the_clear:
            return "it is a control, which sees labels in the clear and claims nothing."
        if source.needs_answers:
            return "it asks who answered what, and canaries have answers of nobody in particular."
        if source.needs_predictions:
            return "it learns from other models, which are attacked as sources of their own."
    if run.mechanism and run.mechanism.unit == "annotator" and run.scenario.simulated:
        return "its annotators are simulated, and no canary is one of them."
    return None


def _finding(
    source: str, claim: Claim, evidence: Evidence, ties: np.random.Generator, alpha: float
) -> Finding:
    """Bounds at level ``alpha`` from the evidence in all attacked models."""
    score, coin = evidence.score, evidence.coin
    half, implied = len(score) // 2, math.nan
    if half:
        parts = [(score[some].ravel(), coin[some].ravel()) for some in (slice(half), slice(half, None))]
        implied = epsilon_of_scores(parts[0], parts[1], claim.delta, alpha)
    test = Test(
        area_under_curve(score, coin), rate_at(score, coin, 0.001), rate_at(score, coin, 0.01), implied
    )
    # Models that draw their own noise and coins are one larger mechanism, with all canaries.
    guessed = audit_guesses(score.ravel(), coin.ravel(), ties, claim.delta, alpha)
    return Finding(source, claim, evidence.seen, guessed, test)
