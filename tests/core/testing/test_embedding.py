"""EmbeddingContract passes what is right and names the clause that each wrong extractor breaks."""

import pytest

from . import embedding_specimens
from .specimens import check, specimens


@pytest.mark.parametrize("specimen", specimens(embedding_specimens), ids=lambda s: s.__name__)
def test_exactly_the_broken_clauses_fail(failures, specimen):
    check(failures, specimen)


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        ("TestLastColumn", "test_reads_valid_tokens_only", "it reads padding"),
        ("TestDividesByWidth", "test_reads_valid_tokens_only", "more columns of padding change it"),
        ("TestSaysThatItReadsTheSecond", "test_reads_as_declared", "it looks at more than reads says"),
        ("TestDetached", "test_gradient_reaches_every_view", "detached from the hidden states"),
        (
            "TestGradientOfTheFirstViewOnly",
            "test_gradient_reaches_every_view",
            "no gradient reaches view [1, 2, 3, 4]",
        ),
        ("TestFirstTokens", "test_returns_one_vector_a_view[1]", "returned shape (1, 1, 8), not 'b d'"),
    ],
)
def test_the_message_helps(failures, name, test, message):
    assert message in failures.failed[name][test]
