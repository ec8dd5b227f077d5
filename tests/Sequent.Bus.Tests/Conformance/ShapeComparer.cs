using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>
/// Compares messages of the document with those of the wire: the same fields with the same values, in any order, except fields that
/// differ per run, which only have to look alike. Of those that name something, equal values of one conversation stay equal.
/// </summary>
internal sealed class ShapeComparer
{
    private static readonly Dictionary<string, Regex> Shapes = new(StringComparer.Ordinal)
    {
        ["version"] = Shape(@"""[0-9A-Za-z.-]+"""),
        ["log_id"] = Shape(@"""[0-9a-f-]{8,}"""),
        ["session_id"] = Shape(@"""\d{1,20}""|\d{1,20}"),
        ["sender"] = Shape(@"""V4\(\d+(\.\d+){3}:\d+\)""|""V6\(\[[0-9a-f:]+\]:\d+\)"""),
        ["time"] = Shape(@"""\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"""),
        ["timestamp"] = Shape(@"""[A-Z][a-z]{2}, [ \d]\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"""),
        ["timestamp_raw"] = Shape(@"\d{10}"),
        ["message"] = Shape(@""".+"""),
    };

    private static readonly HashSet<string> Names = new(["log_id", "session_id", "sender"], StringComparer.Ordinal);

    // What the document writes, as JSON text, and what it is in this run.
    private readonly Dictionary<(string Field, string Written), string> _known = [];

    /// <summary>A message of the document as it is to be sent in this run.</summary>
    public string InThisRun(string message)
    {
        foreach (var ((field, written), actual) in _known)
            message = message.Replace($"\"{field}\":{written}", $"\"{field}\":{actual}", StringComparison.Ordinal);
        return message;
    }

    /// <summary>Fails with the place of the first difference.</summary>
    public void AssertAlike(JsonElement written, JsonElement actual, string path = "$")
    {
        Assert.That(actual.ValueKind, Is.EqualTo(written.ValueKind), $"{path} of {actual}");
        switch (written.ValueKind)
        {
            case JsonValueKind.Object:
                Assert.That(actual.EnumerateObject().Select(p => p.Name), Is.EquivalentTo(written.EnumerateObject().Select(p => p.Name)), $"the fields of {path} of {actual}");
                foreach (var field in written.EnumerateObject())
                    AssertFieldAlike(field, actual.GetProperty(field.Name), $"{path}.{field.Name}");
                break;
            case JsonValueKind.Array:
                Assert.That(actual.GetArrayLength(), Is.EqualTo(written.GetArrayLength()), $"the length of {path} of {actual}");
                foreach (var (i, item) in written.EnumerateArray().Index())
                    AssertAlike(item, actual[i], $"{path}[{i}]");
                break;
            case JsonValueKind.String:
                Assert.That(actual.GetString(), Is.EqualTo(written.GetString()), path);
                break;
            default:
                Assert.That(actual.GetRawText(), Is.EqualTo(written.GetRawText()), path);
                break;
        }
    }

    private void AssertFieldAlike(JsonProperty written, JsonElement actual, string path)
    {
        // Whatever is within data is the publisher's, and comes back as it is.
        if (!Shapes.TryGetValue(written.Name, out var shape) || path.Contains(".data.", StringComparison.Ordinal))
        {
            AssertAlike(written.Value, actual, path);
            return;
        }

        Assert.That(written.Value.GetRawText(), Does.Match(shape), $"{path} of the document");
        Assert.That(actual.GetRawText(), Does.Match(shape), path);
        Assert.That(actual.ValueKind, Is.EqualTo(written.Value.ValueKind), path);
        if (!Names.Contains(written.Name))
            return;
        var place = (written.Name, written.Value.GetRawText());
        var isOther = _known.Any(k => k.Key.Field == written.Name && k.Key != place && k.Value == actual.GetRawText());
        Assert.That(isOther, Is.False, $"{path}: another name before");
        if (!_known.TryAdd(place, actual.GetRawText()))
            Assert.That(actual.GetRawText(), Is.EqualTo(_known[place]), $"{path}: the same name as before");
    }

    private static Regex Shape(string pattern) => new($@"\A(?:{pattern})\z", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
