using System.Globalization;

namespace Bank.Specs.Running;

/// <summary>What the features may use, and what becomes of steps that go wrong.</summary>
public class RunningTests
{
    [Test]
    public async Task The_steps_of_a_scenario_run_in_order_and_share_what_belongs_to_it()
    {
        var (_, results) = await RunAsync(
            """
            Feature: Adding
              Scenario: Twice
                Given 1 is added
                When 2 is added
                * 3 is added
                Then the sum is 6
              Scenario: Begins anew
                Then the sum is 0
            """);

        Assert.That(results.Select(r => r.Failure), Is.All.Null);
        Assert.That(results[0].Steps.Select(s => s.Outcome), Is.All.EqualTo(Outcome.Passed));
    }

    [Test]
    public async Task Backgrounds_of_the_feature_and_of_the_rule_come_first()
    {
        var (feature, results) = await RunAsync(
            """
            Feature: Adding
              Why it is so.
              Background:
                Given 1 is added
              Rule: Above ten
                Each is large.
                Background:
                  Given 10 is added
                Scenario: Both
                  Then the sum is 11
              Rule: Small
                Scenario: One
                  Then the sum is 1
            """);

        Assert.That(results.Select(r => r.Failure), Is.All.Null);
        Assert.That(feature.Description, Is.EqualTo("Why it is so."));
        Assert.That(feature.Scenarios.Select(s => s.Rule), Is.EqualTo(new[] { new Rule("Above ten", "Each is large."), new Rule("Small", "") }));
        Assert.That(feature.Scenarios[0].Steps.Select(s => s.IsBackground), Is.EqualTo(new[] { true, true, false }));
    }

    [Test]
    public async Task Every_row_of_every_examples_is_a_scenario()
    {
        var (feature, results) = await RunAsync(
            """"
            Feature: Adding
              Scenario Outline: Adding <a> and <b>
                Given these are added:
                  | number |
                  | <a>    |
                When <b> is added
                Then the sum is <sum>
                And they were:
                  """
                  <a> + <b>
                  """
                Examples: Small
                  | a | b | sum |
                  | 1 | 2 | 3   |
                  | 2 | 2 | 4   |
                @large
                Examples: Large
                  | a   | b   | sum |
                  | 100 | 200 | 300 |
              Scenario Outline: Adding
                When <a> is added
                Examples:
                  | a |
                  | 7 |
            """");

        Assert.That(results.Select(r => r.Failure), Is.All.Null);
        Assert.That(feature.Scenarios.Select(s => s.Name), Is.EqualTo(new[] { "Adding 1 and 2", "Adding 2 and 2", "Adding 100 and 200", "Adding (7)" }));
        Assert.That(feature.Scenarios[2].Tags, Is.EqualTo(new[] { "large" }));
        Assert.That(feature.Scenarios[2].Location, Is.EqualTo("adding.feature:19"), "of its row");
        Assert.That(feature.Scenarios[2].Steps[^1].DocString, Is.EqualTo("100 + 200"));
    }

    [Test]
    public void Tags_go_down_to_the_scenarios()
    {
        var feature = FeatureFile.Read(
            """
            @a
            Feature: Tags
              @b
              Rule: In here
                @c @a
                Scenario: Some
                  Given 1 is added
              Rule: And there
                Scenario: None
                  Given 1 is added
            """,
            "tags.feature");

        Assert.That(feature.Scenarios.Select(s => string.Join(' ', s.Tags)), Is.EqualTo(new[] { "a b c", "a" }));
    }

    [Test]
    public async Task A_table_is_the_last_argument()
    {
        var (_, results) = await RunAsync(
            """
            Feature: Adding
              Scenario: Many
                Given these are added:
                  | number |
                  | 2      |
                  | 3      |
                Then the sum is 5
            """);

        Assert.That(results[0].Failure, Is.Null);
    }

    [Test]
    public async Task An_undefined_step_fails_with_its_text_and_how_to_define_it_and_nothing_is_run()
    {
        var (_, results) = await RunAsync(
            """
            Feature: Adding
              Scenario: Unknown
                Given 1 is added
                When Alice's dog sells 2 of the "best bones" for 1.50 to Bob
            """);

        Assert.That(results[0].Failure, Does.Contain("""The step "When Alice's dog sells 2 of the "best bones" for 1.50 to Bob" (adding.feature:4) is undefined."""));
        Assert.That(results[0].Failure, Does.Contain("""[Step("{whose} dog sells {int} of the {text} for {amount} to {customer}")]""")
            .And.Contains("StepAsync(string whose1, int number2, string text3, string amount4, string customer5)"));
        Assert.That(results[0].Steps.Select(s => s.Outcome), Is.EqualTo(new[] { Outcome.NotRun, Outcome.Failed }));
    }

    [Test]
    public async Task An_ambiguous_step_fails_with_its_text_and_both_definitions()
    {
        var (_, results) = await RunAsync(
            """
            Feature: Adding
              Scenario: Which one?
                When it is one of two
            """);

        Assert.That(results[0].Failure, Does.Contain("\"When it is one of two\" (adding.feature:3) is ambiguous"));
        Assert.That(results[0].Failure, Does.Contain("""[Step("it is one of two")] Adding.One""").And.Contains("""[Step("it is {words}")] Adding.Two"""));
    }

    [Test]
    public async Task A_step_that_fails_is_told_with_its_text_and_its_line_and_the_rest_is_not_run()
    {
        var (_, results) = await RunAsync(
            """
            Feature: Adding
              Scenario: Wrong
                Given 1 is added
                Then the sum is 2
                When 1 is added
              Scenario: Broken
                When it breaks
            """);

        Assert.That(results[0].Failure, Does.StartWith("The step \"Then the sum is 2\" (adding.feature:4) failed.").And.Contains("But was:  1").And.Not.Contains("   at "));
        Assert.That(results[0].Steps.Select(s => s.Outcome), Is.EqualTo(new[] { Outcome.Passed, Outcome.Failed, Outcome.NotRun }));
        Assert.That(results[1].Failure, Does.Contain("it is broken").And.Contains("at Bank.Specs.Running.RunningTests.Adding.BreakAsync"));
    }

    [TestCase("Scenario: Empty", "The scenario adding.feature:2 has no steps.")]
    [TestCase("Scenario: No table\nGiven these are added:", "gives 0 arguments, a table or a text below it included, but there are 1 parameters")]
    [TestCase("Scenario: Too large\nGiven 99999999999 is added", "The step \"Given 99999999999 is added\" (adding.feature:3) failed.")]
    [TestCase("Scenario: No text\nGiven they were:\n|a table|", "The step \"Given they were:\" (adding.feature:3) failed.")]
    [TestCase("Scenario: Not cleared\nGiven something is left", "could not be cleared away")]
    public async Task What_cannot_pass_does_not(string scenario, string failure)
    {
        var (_, results) = await RunAsync($"Feature: Adding\n{scenario}");

        Assert.That(results[0].Failure, Does.Contain(failure));
    }

    [TestCase("Feature: Wrong\nScenario: One\nGiven 1 is added\nPerhaps 1 is added", "adding.feature cannot be read.*4:1")]
    [TestCase("", "adding.feature contains no feature.")]
    public void A_file_that_cannot_be_read_is_named(string text, string message) =>
        Assert.That(() => FeatureFile.Read(text, "adding.feature"), Throws.InstanceOf<InvalidDataException>().With.Message.Matches($"(?s){message}"));

    [Test]
    public void A_parameter_that_there_is_not_is_told_with_those_there_are() =>
        Assert.That(() => StepExpression.ToRegex("{colour} is nice"), Throws.ArgumentException.With.Message.Contains("{colour}").And.Message.Contains("{amount}"));

    [Test]
    public void A_step_nobody_could_wait_for_is_none() =>
        Assert.That(() => new StepLibrary(typeof(Unawaited)), Throws.ArgumentException.With.Message.Contains("Unawaited.StepAsync").And.Message.Contains("Task"));

    private static async Task<(Feature Feature, IReadOnlyList<ScenarioResult> Results)> RunAsync(string text)
    {
        var feature = FeatureFile.Read(text, "adding.feature");
        await using var runner = new ScenarioRunner(new StepLibrary(typeof(Adding)));
        var results = new List<ScenarioResult>();
        foreach (var scenario in feature.Scenarios)
            results.Add(await runner.RunAsync(scenario));
        return (feature, results);
    }

    public static class Unawaited
    {
        [Step("it is not waited for")]
        public static ValueTask StepAsync() => ValueTask.CompletedTask;
    }

    public sealed class Adding : IDisposable
    {
        private int _sum;
        private string _said = "";
        private bool _left;

        [Step("{int} is added")]
        public void Add(int number) => (_sum, _said) = (_sum + number, _said.Length == 0 ? $"{number}" : $"{_said} + {number}");

        [Step("these are added:")]
        public async Task AddAsync(Table numbers)
        {
            await Task.Yield();
            foreach (var record in numbers.Records)
                Add(int.Parse(record["number"], CultureInfo.InvariantCulture));
        }

        [Step("the sum is {int}")]
        public void Sum(int sum) => Assert.That(_sum, Is.EqualTo(sum));

        [Step("they were:")]
        public void Said(string text) => Assert.That(_said, Is.EqualTo(text));

        [Step("it is one of two")]
        public static void One() => Assert.Fail("One of two is run.");

        [Step("it is {words}")]
        public static void Two(string words) => Assert.Fail(words);

        [Step("it breaks")]
        public static async Task BreakAsync()
        {
            await Task.Yield();
            throw new InvalidOperationException("it is broken");
        }

        [Step("something is left")]
        public void Leave() => _left = true;

        public void Dispose()
        {
            if (_left)
                throw new InvalidOperationException("It cannot be cleared.");
        }
    }
}
