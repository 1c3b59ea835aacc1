"""One reader for what people answered, whatever it stands beside: files in, arrays and sentences out."""

from fedsoft.datasets.answers.match import match
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.read import RawAnswers, read_answers, read_labels
from fedsoft.datasets.answers.tidy import Answers, tidy

__all__ = ["AnswerOptions", "Answers", "RawAnswers", "match", "read_answers", "read_labels", "tidy"]
