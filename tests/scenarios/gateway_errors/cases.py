"""All cases by name."""

from tests.scenarios.gateway_errors import chaincodes, configuring, following, proposals, submitting, system

CASES = {
    case.name: case
    for module in (proposals, chaincodes, submitting, following, system, configuring)
    for case in module.cases()
}
