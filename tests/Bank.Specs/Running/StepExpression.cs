using System.Text.RegularExpressions;

namespace Bank.Specs.Running;

/// <summary>How a line has to read, and which parts of it are arguments.</summary>
internal static partial class StepExpression
{
    /// <summary>What an argument in braces matches; its one group is what the method gets. Suggestions try them in this order.</summary>
    private static readonly (string Name, string Pattern)[] Parameters =
    [
        ("text", "\"([^\"]*)\""),
        ("amount", @"(-?\d+\.\d\d)"),
        ("int", @"(\d+)"),
        ("whose", @"(\b[A-Z][a-z]+'s|\bhis|\bher)\b"),
        ("customer", @"\b([A-Z][a-z]+|he|she)\b"),
        ("words", "(.+)"),
    ];

    public static Regex ToRegex(string expression)
    {
        var pattern = Braces().Split(expression).Select((part, index) => index % 2 == 0 ? Regex.Escape(part) : PatternOf(part, expression));
        return new Regex($@"^{string.Concat(pattern)}\z", RegexOptions.CultureInvariant);
    }

    /// <summary>An expression for a line that has none, and the parameters of its method.</summary>
    public static (string Expression, IReadOnlyList<string> Parameters) Suggest(string text)
    {
        // Words would match anything.
        var candidates = Parameters.SkipLast(1).ToArray();
        var any = string.Join('|', candidates.Select(parameter => $"(?<{parameter.Name}>{parameter.Pattern})"));
        var parameters = new List<string>();
        var expression = Regex.Replace(text, any, Generalize, RegexOptions.ExplicitCapture);
        return (expression, parameters);

        string Generalize(Match found)
        {
            var name = candidates.First(parameter => found.Groups[parameter.Name].Success).Name;
            parameters.Add(name == "int" ? $"int number{parameters.Count + 1}" : $"string {name}{parameters.Count + 1}");
            return $"{{{name}}}";
        }
    }

    private static string PatternOf(string name, string expression) =>
        Array.Find(Parameters, parameter => parameter.Name == name).Pattern
        ?? throw new ArgumentException($"The step \"{expression}\" has a parameter {{{name}}}; there are {string.Join(", ", Parameters.Select(p => $"{{{p.Name}}}"))}.");

    [GeneratedRegex(@"\{([^{}]+)\}")]
    private static partial Regex Braces();
}
