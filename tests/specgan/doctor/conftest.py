import pytest

from tests.specgan.doctor.planted import Planted, kathleen


@pytest.fixture
def planted(tmp_path) -> Planted:
    return kathleen(tmp_path)
