using Bank.Specs.Report;
using Bank.Specs.Running;
using Bank.Specs.Steps;
using Bank.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Bank.Specs;

/// <summary>Every scenario of the features is a test, against the real services and a real bus in this process. A page tells how they ended.</summary>
public class FeaturesTests
{
    private static readonly IReadOnlyList<Feature> Features = FeatureFile.ReadAll(Path.Combine(AppContext.BaseDirectory, "Features"));

    private readonly BankClock _clock = new();
    private readonly Dictionary<Scenario, ScenarioResult> _results = new(ReferenceEqualityComparer.Instance);
    private BankUnderTest _bank = null!;
    private ScenarioRunner _runner = null!;

    private static IEnumerable<TestCaseData> Scenarios =>
        from feature in Features
        from scenario in feature.Scenarios
        select Case(feature, scenario);

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _bank = await BankUnderTest.StartAsync(Storage.Sqlite, users => users.AddSingleton<TimeProvider>(_clock));
        foreach (var part in new[] { Part.Users, Part.Accounts, Part.Transactions })
            await _bank.ReadyAsync(part);
        Type[] steps = [typeof(AnswerSteps), typeof(UsersSteps), typeof(SessionsSteps), typeof(AccountsSteps), typeof(TransfersSteps), typeof(StatementsSteps)];
        _runner = new ScenarioRunner(new StepLibrary(steps), new ServiceCollection().AddSingleton(_bank).AddSingleton(_clock).AddScoped<World>());
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _runner.DisposeAsync();
        await _bank.DisposeAsync();
        HtmlReport.Write(Features, _results);
    }

    [TestCaseSource(nameof(Scenarios))]
    public async Task Scenario_holds(Scenario scenario)
    {
        var result = _results[scenario] = await _runner.RunAsync(scenario);
        if (result.Failure is { } failure)
            Assert.Fail(failure);
    }

    private static TestCaseData Case(Feature feature, Scenario scenario)
    {
        var test = new TestCaseData(scenario).SetName(string.Join(" - ", new[] { feature.Name, scenario.Rule?.Name, scenario.Name }.OfType<string>()));
        foreach (var tag in scenario.Tags)
            test.SetCategory(tag);
        return test;
    }
}
