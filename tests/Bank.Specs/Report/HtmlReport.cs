using System.Globalization;
using System.Net;
using System.Text;
using Bank.Specs.Running;

namespace Bank.Specs.Report;

/// <summary>One page with every scenario and how it ended. It needs nothing but itself.</summary>
internal sealed class HtmlReport
{
    private readonly StringBuilder _html = new();
    private readonly IReadOnlyDictionary<Scenario, ScenarioResult> _results;

    private HtmlReport(IReadOnlyDictionary<Scenario, ScenarioResult> results) => _results = results;

    /// <summary>Writes <c>artifacts/specs/report.html</c> of the repository.</summary>
    public static void Write(IReadOnlyList<Feature> features, IReadOnlyDictionary<Scenario, ScenarioResult> results)
    {
        var folder = Directory.CreateDirectory(Path.Combine(FindRepository(), "artifacts", "specs"));
        File.WriteAllText(Path.Combine(folder.FullName, "report.html"), Render(features, results, TimeProvider.System.GetLocalNow()));
    }

    public static string Render(IReadOnlyList<Feature> features, IReadOnlyDictionary<Scenario, ScenarioResult> results, DateTimeOffset now)
    {
        var report = new HtmlReport(results);
        report.WritePage(features, now);
        return report._html.ToString();
    }

    private void WritePage(IReadOnlyList<Feature> features, DateTimeOffset now)
    {
        var all = features.SelectMany(feature => feature.Scenarios).ToList();
        _html.Append(CultureInfo.InvariantCulture, $$"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>How the bank behaves: {{Summary(all)}}</title>
            <style>
            {{Css()}}
            </style>
            </head>
            <body>
            <header>
            <h1>How the bank behaves</h1>
            <p class="total {{Class(Worst(all))}}">{{Summary(all)}}</p>
            <p class="when">{{now:d MMMM yyyy, HH:mm}}, in {{Took(all)}}. Open a scenario to read its steps.</p>
            </header>
            <nav>
            {{string.Concat(features.Select((feature, index) => $"<a href=\"#f{index}\">{Badge(Worst(feature.Scenarios))} {Encode(feature.Name)} <small>{feature.Scenarios.Count}</small></a>\n"))}}</nav>
            <main>

            """);
        foreach (var (index, feature) in features.Index())
            WriteFeature(feature, index);
        _html.Append("</main>\n</body>\n</html>\n");
    }

    private void WriteFeature(Feature feature, int index)
    {
        _html.Append(CultureInfo.InvariantCulture, $"<section id=\"f{index}\">\n<h2>{Encode(feature.Name)}</h2>\n{Paragraph(feature.Description)}");
        foreach (var group in feature.Scenarios.GroupBy(scenario => scenario.Rule))
        {
            if (group.Key is { } rule)
                _html.Append(CultureInfo.InvariantCulture, $"<h3>{Encode(rule.Name)}</h3>\n{Paragraph(rule.Description)}");
            foreach (var scenario in group)
                WriteScenario(scenario);
        }

        _html.Append("</section>\n");
    }

    private void WriteScenario(Scenario scenario)
    {
        var result = _results.GetValueOrDefault(scenario);
        var outcome = result?.Outcome ?? Outcome.NotRun;
        var tags = string.Concat(scenario.Tags.Select(tag => $" <i>{Encode(tag)}</i>"));
        _html.Append(CultureInfo.InvariantCulture, $"""
            <details class="{Class(outcome)}"{(outcome == Outcome.Failed ? " open" : "")}>
            <summary>{Badge(outcome)} <span>{Encode(scenario.Name)}{tags}</span> <small>{(result is null ? "not run" : Seconds(result.Duration))}</small></summary>
            {Paragraph(scenario.Description)}<ol>

            """);
        var steps = result?.Steps ?? [.. scenario.Steps.Select(step => new StepResult(step, Outcome.NotRun))];
        foreach (var step in steps)
            WriteStep(step);
        _html.Append("</ol>\n");
        if (result?.Failure is { } failure)
            _html.Append(CultureInfo.InvariantCulture, $"<pre class=\"failure\">{Encode(failure)}</pre>\n");
        _html.Append("</details>\n");
    }

    private void WriteStep(StepResult result)
    {
        var step = result.Step;
        _html.Append(CultureInfo.InvariantCulture, $"<li class=\"{Class(result.Outcome)}{(step.IsBackground ? " background" : "")}\"><b>{Encode(step.Keyword)}</b> {Encode(step.Text)}");
        if (step.Table is { } table)
        {
            _html.Append(CultureInfo.InvariantCulture, $"\n<table>\n<tr>{Cells("th", table.Header)}</tr>\n");
            foreach (var row in table.Rows)
                _html.Append(CultureInfo.InvariantCulture, $"<tr>{Cells("td", row)}</tr>\n");
            _html.Append("</table>");
        }

        if (step.DocString is { } text)
            _html.Append(CultureInfo.InvariantCulture, $"\n<pre>{Encode(text)}</pre>");
        _html.Append("</li>\n");
    }

    private Outcome OutcomeOf(Scenario scenario) => _results.GetValueOrDefault(scenario)?.Outcome ?? Outcome.NotRun;

    /// <summary>Failed if one failed, otherwise not run if one was not.</summary>
    private Outcome Worst(IEnumerable<Scenario> scenarios)
    {
        var outcomes = scenarios.Select(OutcomeOf).ToHashSet();
        return outcomes.Contains(Outcome.Failed) ? Outcome.Failed : outcomes.Contains(Outcome.NotRun) ? Outcome.NotRun : Outcome.Passed;
    }

    private string Summary(List<Scenario> scenarios)
    {
        var counts = scenarios.CountBy(OutcomeOf).ToDictionary();
        var parts = new[] { (Outcome.Passed, "passed"), (Outcome.Failed, "failed"), (Outcome.NotRun, "not run") }
            .Where(part => counts.ContainsKey(part.Item1)).Select(part => $"{counts[part.Item1]} {part.Item2}");
        return $"{scenarios.Count} scenarios: {string.Join(", ", parts)}";
    }

    private string Took(IEnumerable<Scenario> scenarios) =>
        Seconds(scenarios.Aggregate(TimeSpan.Zero, (sum, scenario) => sum + (_results.GetValueOrDefault(scenario)?.Duration ?? TimeSpan.Zero)));

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");

    private static string Badge(Outcome outcome) => outcome switch
    {
        Outcome.Passed => "<em class=\"passed\" title=\"passed\">✓</em>",
        Outcome.Failed => "<em class=\"failed\" title=\"failed\">✗</em>",
        _ => "<em class=\"notrun\" title=\"not run\">–</em>",
    };

    private static string Class(Outcome outcome) => outcome.ToString().ToLowerInvariant();

    private static string Cells(string element, IEnumerable<string> cells) => string.Concat(cells.Select(cell => $"<{element}>{Encode(cell)}</{element}>"));

    private static string Paragraph(string text) => text.Length == 0 ? "" : $"<p>{Encode(text)}</p>\n";

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static string Css()
    {
        using var css = new StreamReader(typeof(HtmlReport).Assembly.GetManifestResourceStream("report.css")!);
        return css.ReadToEnd().TrimEnd();
    }

    private static string FindRepository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ClientSdk.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("ClientSdk.sln is in no folder above the test assembly.");
    }
}
