from assetline.budget import Budget


def test_a_budget_runs_out_by_its_clock() -> None:
    now = 5.0
    budget = Budget(2, lambda: now)
    assert (budget.left(), budget.spent()) == (2.0, False)
    now = 8.0
    assert (budget.left(), budget.spent()) == (0.0, True)
