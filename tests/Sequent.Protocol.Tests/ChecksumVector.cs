using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sequent.Protocol.Tests;

/// <summary>One row of Vectors/checksums.jsonl; the fields are explained beside it.</summary>
public sealed record ChecksumVector
{
    private static readonly JsonSerializerOptions Names = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required string Group { get; init; }

    public required string Input { get; init; }

    public string? Canonical { get; init; }

    public string? Sha1 { get; init; }

    public bool Error { get; init; }

    public bool Portable { get; init; } = true;

    public string? CanonicalPortable { get; init; }

    [JsonIgnore]
    public byte[] InputBytes => Encoding.UTF8.GetBytes(Input);

    /// <summary>All rows that pass the filter, as named test cases.</summary>
    public static IEnumerable<TestCaseData> Cases(Func<ChecksumVector, bool> filter)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Vectors", "checksums.jsonl");
        var line = 0;
        foreach (var text in File.ReadLines(path))
        {
            line++;
            var row = JsonSerializer.Deserialize<ChecksumVector>(text, Names)!;
            if (filter(row))
            {
                yield return new TestCaseData(row).SetArgDisplayNames($"line {line:000}, {row.Group}: {Preview(row.Input)}");
            }
        }
    }

    /// <summary>Test runners choke on control characters and on quotes in names.</summary>
    private static string Preview(string input)
    {
        var text = string.Concat(input.Take(40).Select(c => c switch
        {
            '"' => "'",
            < ' ' or > '~' => $"U+{(int)c:X4}",
            _ => c.ToString(),
        }));
        return input.Length > 40 ? text + "..." : text;
    }
}
