namespace Plinth;

public class CountsTests
{
    [Fact]
    public void A_count_is_that_of_the_budget_which_runs() => Assert.Equal(Counts.Soak ? 2 : 1, Counts.Of(test: 1, soak: 2));
}
