from hypothesis import given
from hypothesis import strategies as st

from assetline.ingest.ingestion_runs import LONGEST_NAME, run_name


@given(st.text(alphabet="abc-_9", min_size=1, max_size=255))
def test_the_name_of_a_run_is_one_that_step_functions_takes(dataset_id: str) -> None:
    assert len(run_name(dataset_id, 1795236000)) <= LONGEST_NAME
