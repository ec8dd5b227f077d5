using System.Text.RegularExpressions;
using Gherkin;
using Ast = Gherkin.Ast;

namespace Bank.Specs.Running;

/// <summary>Reads features: backgrounds go to the scenarios they belong to, and every row of an outline's examples becomes a scenario.</summary>
internal sealed partial class FeatureFile
{
    private readonly string _file;

    private FeatureFile(string file) => _file = file;

    /// <summary>All features of a folder, by the names of their files: so the report has them.</summary>
    public static IReadOnlyList<Feature> ReadAll(string folder) =>
        [.. Directory.GetFiles(folder, "*.feature").Order(StringComparer.Ordinal).Select(path => Read(File.ReadAllText(path), Path.GetFileName(path)))];

    public static Feature Read(string text, string file)
    {
        try
        {
            var feature = new Parser().Parse(new StringReader(text)).Feature ?? throw new InvalidDataException($"{file} contains no feature.");
            return new(feature.Name, Unindent(feature.Description), [.. new FeatureFile(file).ScenariosOf(feature, null, [], [])]);
        }
        catch (ParserException exception)
        {
            throw new InvalidDataException($"{file} cannot be read. {exception.Message}", exception);
        }
    }

    /// <summary>The scenarios of a feature, or of a rule in it.</summary>
    private IEnumerable<Scenario> ScenariosOf(Ast.IHasChildren parent, Rule? rule, IReadOnlyList<Ast.Step> background, IReadOnlyList<string> tags)
    {
        tags = [.. tags, .. TagsOf((Ast.IHasTags)parent)];
        background = [.. background, .. parent.Children.OfType<Ast.Background>().SelectMany(b => b.Steps)];
        return parent.Children.SelectMany(child => child switch
        {
            Ast.Rule inner => ScenariosOf(inner, new Rule(inner.Name, Unindent(inner.Description)), background, tags),
            Ast.Scenario scenario => Expand(scenario, rule, background, tags),
            _ => [],
        });
    }

    private IEnumerable<Scenario> Expand(Ast.Scenario scenario, Rule? rule, IReadOnlyList<Ast.Step> background, IReadOnlyList<string> tags)
    {
        if (!scenario.Examples.Any())
            return [Create(scenario, rule, background, tags, scenario.Location, null)];
        return
            from examples in scenario.Examples
            from row in examples.TableBody ?? []
            let cells = examples.TableHeader.Cells.Zip(row.Cells).ToDictionary(cell => cell.First.Value, cell => cell.Second.Value)
            select Create(scenario, rule, background, [.. tags, .. TagsOf(examples)], row.Location, cells);
    }

    private Scenario Create(
        Ast.Scenario scenario, Rule? rule, IReadOnlyList<Ast.Step> background, IReadOnlyList<string> tags, Ast.Location location, IReadOnlyDictionary<string, string>? row)
    {
        var name = Fill(scenario.Name, row);
        if (row is not null && name == scenario.Name)
            name += $" ({string.Join(", ", row.Values)})"; // so that the rows have names of their own
        return new(name, Unindent(scenario.Description), rule, [.. tags.Concat(TagsOf(scenario)).Distinct()],
            [.. background.Select(step => Create(step, null) with { IsBackground = true }), .. scenario.Steps.Select(step => Create(step, row))], At(location));
    }

    private ScenarioStep Create(Ast.Step step, IReadOnlyDictionary<string, string>? row) => new(step.Keyword.Trim(), Fill(step.Text, row), At(step.Location))
    {
        DocString = step.DocString is { } text ? Fill(text.Content, row) : null,
        Table = step.DataTable is { } table ? new(CellsOf(table.Rows.First(), row), [.. table.Rows.Skip(1).Select(cells => CellsOf(cells, row))]) : null,
    };

    private static string[] CellsOf(Ast.TableRow cells, IReadOnlyDictionary<string, string>? row) => [.. cells.Cells.Select(cell => Fill(cell.Value, row))];

    /// <summary>Puts the cells of a row where the outline names their columns, as <c>&lt;column&gt;</c>.</summary>
    private static string Fill(string text, IReadOnlyDictionary<string, string>? row) =>
        row is null ? text : Placeholders().Replace(text, found => row.GetValueOrDefault(found.Groups[1].Value, found.Value));

    private static IEnumerable<string> TagsOf(Ast.IHasTags tagged) => tagged.Tags.Select(tag => tag.Name.TrimStart('@'));

    private static string Unindent(string? description) => string.Join('\n', (description ?? "").Split('\n').Select(line => line.Trim())).Trim();

    private string At(Ast.Location location) => $"{_file}:{location.Line}";

    [GeneratedRegex("<([^<>]+)>")]
    private static partial Regex Placeholders();
}
