"""How to read a report: its words and its numbers, each in a short paragraph."""

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.estimates import HARDEST
from fedsoft.analysis.judging import judging_answers
from fedsoft.analysis.values import MARGIN
from fedsoft.report.shown import with_results
from fedsoft.report.words import MARGIN_MEANING
from fedsoft.study.data import load_dataset


def guide(result: Digest) -> dict[str, str]:
    """Terms with their explanations, for the study at hand: of what it does not have, nothing."""
    cells = with_results(result)
    strata = {stratum for shown in cells for stratum in shown.strata}
    voted = any("vote" in shown.references for shown in cells)
    people = "a simulated crowd" if result.crowd == "simulated crowd" else "people"
    terms = {
        "Label sources": (
            "A label source turns examples, votes and labels into the targets that clients train on. A "
            "control differs from another source in exactly one thing; doses show whether it does: two "
            "sources that differ in dose do not isolate anything else. “a − b” is what a scores, minus "
            "what b scores."
        ),
        "References": (
            "Predictions are compared with the dataset's label, with the mode (the answer that most of "
            f"{people} gave; ties are split at random) and with a vote (the share of {people} who chose "
            "the predicted class). Where they disagree these differ most, and a model can be calibrated "
            "against one and not against another. Levels are against the endpoint's reference unless "
            "said otherwise."
            if voted
            else "Predictions are compared with the dataset's label."
        ),
        "Signed gap": (
            "Mean confidence minus the share of right predictions: above zero a model is overconfident, "
            "below zero underconfident. It has no binning bias. A verdict on it is on its size, |gap|, "
            "with both gaps uncertain. Brier score is the squared distance between prediction and "
            "reference, summed over classes (0 to 2); NLL the negative log-likelihood, in nats. "
            "Probabilities below 10⁻¹² count as 10⁻¹², everywhere."
        ),
        "Learned": (
            "A constant forecast gives every example the same: the class shares, or the mean vote, of "
            "the training examples. Where models are no better than that, or where training still won "
            "more than 0.005 Brier in its last fifth of rounds, there is no verdict."
        ),
        "Views": (
            "Softening all predictions alike moves every gap, and one temperature does as much. So "
            "sources are compared as predicted; at equal mean confidence, each tempered to that of the "
            "baseline, without looking at labels; at equal, calibrated confidence, that of the baseline "
            "after its own temperature, since how much of an NLL or KL is left depends on the level; "
            "and after each source's own temperature, fitted on validation labels, or on one vote for "
            "each validation example."
            + " Only what survives at equal confidence is called an effect on hard examples."
            * bool({HARDEST, MARGIN} & strata)
            + " No level depends on what other arms the study has."
        ),
        "Intervals": (
            "95 % intervals treat examples and seeds as crossed: their variances are combined as in "
            "two-way clustering, with Student's t on one degree of freedom less than there are seeds. "
            "With one seed they speak of other examples only, and nothing is decided. Folds are not "
            f"counted as replicates. {_people(result)}Apart from the verdict's, those of any two arms and "
            "those of what to buy, intervals are not adjusted for their number: among many, some miss "
            "zero by chance."
        ),
        "ECE, and by chance": (
            "Expected calibration error in 15 bins of equal width, on predictions pooled over folds. A "
            "perfectly calibrated model scores above zero on few examples; “by chance”, in brackets, is "
            "what this model would score if its confidences were true (labels redrawn from them, one "
            "for each example, however many seeds test it)."
        ),
        "Verdict words": (
            "“Better” or “worse”: the interval lies on one side of zero. “As good”: the interval lies "
            "within the margin that the study file states. Both are Holm-adjusted over the cells of the "
            "grid. Otherwise “undecided at this size”, with the smallest effect that the study would "
            "have found with 80 % power. “No verdict”: the models have not learned, or training had not "
            "come to rest. “Nothing was compared”: both train on the same targets."
        ),
        "What to buy": (
            "For each goal the arm of least loss, as predicted, and the cheapest of those that are as "
            "good as it: first by votes, then by how much it asks for beside plain training on a source "
            "(another training, several models, a calibration; the baseline asks for least), then by "
            "compute. Where nothing else is as good beyond doubt, an arm at the same votes that asks for "
            "less is taken if no arm is shown to beat it. Votes to fit a temperature to are counted; a "
            "source that borrows one rate from people (how soft they are on average) pays none."
        ),
    }
    if HARDEST in strata:
        terms["Strata"] = (
            f"Test examples grouped by the entropy of the votes of {people}: unanimous, hardest fifth "
            "(highest entropy), and the middle. “The rest” is everything but the hardest fifth; the "
            "headline contrast is the hardest fifth − the rest. A gain on hard examples is shown beside "
            "its price on easy ones. Where every example has ten votes or more, a random half of them "
            "cuts the strata and the other half is what a vote is within them, so that no vote both "
            "picks an example and judges on it; with fewer the same votes do both."
        )
    if MARGIN in strata:
        terms["Margin"] = MARGIN_MEANING
    if voted:
        terms["Floor and ceiling"] = (
            f"What sees the predicted class and nothing else of an example agrees with {people} to some "
            "degree: the floor. A perfect model is scored against a limited number of votes: the ceiling "
            "draws each example's votes anew from what its distribution may be; split halves compare one "
            "half of the votes with the other. The entropy of few votes is too low, so entropies are also "
            "compared at equal numbers of votes, drawn from the prediction."
        )
    return terms


def _people(result: Digest) -> str:
    """What known people are to intervals; nothing where there are no votes."""
    data = load_dataset(result.opened.plan.study.dataset)
    if data.votes is None:
        return ""
    if judging_answers(data) is None:
        return "People are not resampled. "
    return (
        "Against a vote, people who judge are a third unit beside examples and seeds (three-way "
        "clustering), with one degree of freedom less than there are seeds, or people who judge much, "
        "whichever are fewer. Labels, modes and strata are taken as they are, whoever's votes they come "
        "from. Where each seed trains on a set of people of its own, sets take the place of seeds. "
    )
