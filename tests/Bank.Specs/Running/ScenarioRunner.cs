using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework.Internal;

namespace Bank.Specs.Running;

/// <summary>Runs scenarios. Each has a scope of its own, with the step classes and what they share.</summary>
internal sealed class ScenarioRunner : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly StepLibrary _library;
    private readonly ServiceProvider _services;

    public ScenarioRunner(StepLibrary library, IServiceCollection? services = null)
    {
        services ??= new ServiceCollection();
        foreach (var type in library.Classes)
            services.AddScoped(type);
        (_library, _services) = (library, services.BuildServiceProvider());
    }

    public async Task<ScenarioResult> RunAsync(Scenario scenario)
    {
        var watch = Stopwatch.StartNew();
        // A failed assertion is also noted at the test that is being run; here it is a result, which the test reports together with its step.
        using var isolated = new TestExecutionContext.IsolatedContext();
        var steps = new List<StepResult>();
        string? failure;
        try
        {
            await using var scope = _services.CreateAsyncScope();
            failure = await RunAsync(scenario, scope.ServiceProvider, steps);
        }
        catch (Exception exception)
        {
            failure = $"What the scenario {scenario.Location} left could not be cleared away. {Describe(exception)}";
        }

        return new ScenarioResult(steps, watch.Elapsed, failure);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    /// <summary>Null if all went well. Nothing is run if a step of the scenario cannot be.</summary>
    private async Task<string?> RunAsync(Scenario scenario, IServiceProvider services, List<StepResult> results)
    {
        var bound = new List<BoundStep>();
        var problems = new List<string>();
        foreach (var step in scenario.Steps)
        {
            if (_library.TryBind(step, out var ready, out var problem))
                bound.Add(ready);
            else
                problems.Add(problem);
            results.Add(new(step, problem is null ? Outcome.NotRun : Outcome.Failed));
        }

        if (scenario.Steps.Count == 0)
            return $"The scenario {scenario.Location} has no steps.";
        if (problems.Count > 0)
            return string.Join('\n', problems);

        for (var i = 0; i < bound.Count; i++)
        {
            try
            {
                await bound[i].RunAsync(services).WaitAsync(Patience);
                results[i] = results[i] with { Outcome = Outcome.Passed };
            }
            catch (Exception exception)
            {
                results[i] = results[i] with { Outcome = Outcome.Failed };
                return $"The step {results[i].Step} failed.\n{Describe(exception)}";
            }
        }

        return null;
    }

    /// <summary>An assertion says what is wrong; anything else needs its stack.</summary>
    private static string Describe(Exception exception) => exception is ResultStateException ? exception.Message : exception.ToString();
}
