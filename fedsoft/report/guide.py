"""How to read a report: its words and its numbers, each in a short paragraph."""

from fedsoft.analysis.digest import Digest


def guide(result: Digest) -> dict[str, str]:
    """Terms with their explanations, for the study at hand."""
    people = "a simulated crowd" if result.crowd == "simulated crowd" else "people"
    terms = {
        "Label sources": "A label source turns images, votes and labels into the targets that clients train "
        "on. A control differs from another source in exactly one thing; doses show whether it does: two "
        "sources that differ in dose do not isolate anything else.",
        "References": "Predictions are compared with the dataset's label, with the mode (the answer that "
        "most "
        f"of {people} gave; ties are split at random) and with a vote (the share of {people} who chose the "
        "predicted class). Where they disagree these differ most, and a model can be calibrated against one "
        "and not "
        "against another. Levels are against the label unless said otherwise.",
        "Signed gap": "Mean confidence less the share of right predictions: above zero a model is "
        "overconfident, below zero underconfident. It has no binning bias. Brier score is the squared "
        "distance "
        "between prediction and reference, summed over classes (0 to 2); NLL the negative log-likelihood, in "
        "nats.",
        "Views": "Softening all predictions alike moves every gap, and one temperature does as much. So "
        "sources "
        "are compared as predicted; at equal mean confidence, where each source is tempered to the mean "
        "confidence "
        "of all of them, without looking at labels; and after each source's own temperature, fitted on "
        "validation "
        "labels, or on one vote for each validation example. "
        "Only what survives at equal confidence is called an effect on hard examples.",
        "Intervals": "95 % intervals treat images and seeds as crossed: their variances are combined as in "
        "two-way clustering, with Student's t on one degree of freedom less than there "
        "are "
        "seeds. With one seed they speak of other images only. Folds are not counted as replicates. Apart "
        "from "
        "the verdict's, intervals are not adjusted for their number: among many, some miss zero by chance.",
        "ECE and its floor": "Expected calibration error in bins of equal width, on predictions pooled over "
        "folds. A perfectly calibrated model scores above zero on few examples; the floor in brackets is "
        "what "
        "this model would score if its confidences were true (labels redrawn from them).",
        "Verdict words": "“Better” or “worse”: the interval lies on one side of zero (for a signed gap: the "
        "source's gap is nearer to, or further from, zero). “As good”: the interval lies within the margin "
        "that the "
        "study file states. Otherwise “undecided at this size”, with the smallest effect that the study "
        "would have found with 80 % power.",
    }
    if result.crowd != "no votes":
        terms["Strata"] = (
            f"Test images grouped by the entropy of the votes of {people}: unanimous, hardest fifth (highest "
            "entropy), and the middle. “The rest” is everything but the hardest fifth; the headline contrast "
            "is "
            "the hardest fifth less the rest. A gain on hard images is shown beside its price on easy ones."
        )
        terms["Floor and ceiling"] = (
            f"What sees the predicted class and nothing else of an image agrees with {people} to some "
            "degree: the floor. A perfect model is scored against a limited number of votes: the ceiling "
            "draws each image's votes anew from what its distribution may be; split halves compare one half "
            "of the votes with the other. The entropy of few votes is too low, so entropies are also "
            "compared at equal numbers of votes, drawn from the prediction."
        )
    return terms
