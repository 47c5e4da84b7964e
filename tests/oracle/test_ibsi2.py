"""Filters against IBSI-2: response maps of the digital phantoms, and statistics of filtered images of the CT phantom.

Sources: response maps and reference values of github.com/theibsi/ibsi_2_reference_data; the filters' arguments are
those of ibsi2_phase1_response_map_tests.csv and ibsi2_phase2_filter_settings.csv. A map passes if every voxel is
within 1 % of the reference map's range (Whybra et al. 2024, doi 10.1148/radiol.231319).
"""

import pytest

MAPS = ["1A1", "1A2", "1A3", "1A4", "1B1", "2A", "2B", "2C", "5A1", "5A2", "6A1", "6A2", "7A1", "7A2"]
PHASE_2 = [f"{number}.{letter}" for number in range(1, 10) for letter in "AB"]


def test_no_map_is_forgotten(real_data, ibsi):
    assert ibsi.maps(real_data) == MAPS


@pytest.mark.parametrize("test", MAPS)
def test_a_response_map_is_within_one_per_cent(real_data, ibsi, test):
    assert ibsi.map_difference(real_data, test) <= 1.0


@pytest.mark.parametrize("configuration", PHASE_2)
def test_statistics_of_a_filtered_image_are_inside_their_tolerances(real_data, ibsi, configuration):
    rows = ibsi.references(real_data, "ibsi2_phase2_reference_values.csv", configuration)
    assert len(rows) >= 17
    assert ibsi.misses(rows, ibsi.filtered(real_data, configuration)) == []
