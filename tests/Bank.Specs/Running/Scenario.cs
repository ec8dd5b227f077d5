namespace Bank.Specs.Running;

/// <summary>A feature as its file tells it.</summary>
public sealed record Feature(string Name, string Description, IReadOnlyList<Scenario> Scenarios);

/// <summary>A heading inside a feature that several scenarios illustrate.</summary>
public sealed record Rule(string Name, string Description);

/// <summary>A scenario, or one row of the examples of an outline, with everything it needs to run.</summary>
public sealed record Scenario(string Name, string Description, Rule? Rule, IReadOnlyList<string> Tags, IReadOnlyList<ScenarioStep> Steps, string Location);

/// <summary>A line of a scenario.</summary>
public sealed record ScenarioStep(string Keyword, string Text, string Location)
{
    /// <summary>The lines below it with their cells, or null.</summary>
    public Table? Table { get; init; }

    /// <summary>The text below it, or null.</summary>
    public string? DocString { get; init; }

    /// <summary>It comes from a Background.</summary>
    public bool IsBackground { get; init; }

    public override string ToString() => $"\"{Keyword} {Text}\" ({Location})";
}

/// <summary>The table below a step; its first row names the columns.</summary>
public sealed record Table(IReadOnlyList<string> Header, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>The rows as cells by the name of their column.</summary>
    public IEnumerable<IReadOnlyDictionary<string, string>> Records =>
        Rows.Select(row => Header.Zip(row).ToDictionary(cell => cell.First, cell => cell.Second));
}

/// <summary>How a step or a scenario ended.</summary>
public enum Outcome
{
    NotRun,
    Passed,
    Failed,
}

/// <summary>What became of a step.</summary>
public sealed record StepResult(ScenarioStep Step, Outcome Outcome);

/// <summary>What became of a scenario.</summary>
public sealed record ScenarioResult(IReadOnlyList<StepResult> Steps, TimeSpan Duration, string? Failure)
{
    public Outcome Outcome => Failure is null ? Outcome.Passed : Outcome.Failed;
}
