"""Each printed fix for a model is applied as it is printed, and run.

The models are those without a head for one size, which are in ``test_fixes_of_heads.py``.
"""

import pytest

from tests.support.fix_models import all_models, sample
from tests.support.fix_models.harness import check

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", sample.params(all_models.OTHERS, sample.OTHERS))
def test_each_printed_fix_works_and_the_usual_one_comes_first(case, tmp_path, copy_server):
    check(case, tmp_path, copy_server)
