"""What to buy, in words."""

from fedsoft.analysis.pairs import Purchase
from fedsoft.plural import plural
from fedsoft.report.numbers import plain, signed
from fedsoft.report.shown import Shown
from fedsoft.report.units_words import replicates

UNITS = {"nll": "NLL", "brier": "Brier score"}


def purchases_in_words(shown: Shown) -> list[str]:
    """What to buy for each goal, and what may change that."""
    said = [purchase_sentence(shown, one) for one in shown.cell.purchases]
    if said and not all(rest.at_rest for rest in shown.cell.rests.values()):
        said.append("Training had not come to rest, so longer training may change this.")
    if said and shown.labels_are_majority:
        said.append(
            "The labels are taken as given here, but they are the majority of "
            f"{plain(shown.votes_each, 1)} votes each, which “no votes” does not count."
        )
    return said


def purchase_sentence(shown: Shown, plan: Purchase) -> str:
    """What to buy for one goal."""
    goal = {"label": "To forecast the label", "people": "To forecast people's answers"}[plan.goal]
    unit = UNITS[plan.metric]
    if not plan.learned:
        return f"{goal}: nothing; no arm is shown to beat a constant forecast."
    best, cheapest = plan.best, plan.cheapest
    if (simple := plan.simplest) is not None:
        own, other = price(shown, simple.source), price(shown, best.source)
        return (
            f"{goal}: {simple.source}, {own}; nothing is shown to beat it. {best.source}, "
            f"{'at the same price' if other == own else other}, has the least {unit}, {plain(best.level)} "
            f"against {plain(simple.level)}, but that may be chance, and it is less simple."
        )
    if best.source != cheapest.source:
        return (
            f"{goal}: {cheapest.source}, {price(shown, cheapest.source)}. It is as good as the best, "
            f"{best.source}, {price(shown, best.source)}: {unit} {plain(cheapest.level)} against "
            f"{plain(best.level)}, at most {plain(max(cheapest.high, 0.0))} above it, where "
            f"{plan.margin:g} would not matter."
        )
    text = f"{goal}: {best.source}, {price(shown, best.source)}, has the least {unit}, {plain(best.level)}"
    open_ = [
        offer
        for offer in plan.offers
        if offer is not best
        and offer.price.votes < best.price.votes
        and 2 * offer.excess - offer.high < plan.margin  # the interval's lower end
    ]
    if not best.price.votes:
        return f"{text}, and nothing costs less."
    if not open_:
        return f"{text}, and all that is cheaper is worse."
    rival = min(open_, key=lambda offer: offer.level)
    return (
        f"{text}; but whether {rival.source}, {price(shown, rival.source)}, is as good is undecided "
        f"({signed(rival.excess)}, at most {signed(rival.high)}): more {replicates(shown.study)} or "
        f"{shown.noun} would tell, before you pay."
    )


def price(shown: Shown, source: str) -> str:
    """What an arm's targets cost, in votes."""
    target = shown.cell.targets.get(source)
    if target is None:
        return "at a price unknown"
    if target.votes_bought:
        return f"for {plural(round(target.votes_bought), 'vote')}"
    return "for a rate borrowed from people" if shown.borrows(source) else "for no votes"
