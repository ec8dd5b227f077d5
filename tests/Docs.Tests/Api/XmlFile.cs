using System.Globalization;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace Docs.Tests.Api;

/// <summary>What the compiler wrote beside an assembly.</summary>
internal sealed class XmlFile(string file) : DocumentationProvider
{
    private readonly string _file = file;
    private readonly Lazy<Dictionary<string, string>> _members = new(() =>
        XDocument.Load(file, LoadOptions.PreserveWhitespace).Descendants("member").ToDictionary(m => m.Attribute("name")!.Value, m => m.ToString(SaveOptions.DisableFormatting), StringComparer.Ordinal));

    public override bool Equals(object? obj) => obj is XmlFile other && other._file == _file;

    public override int GetHashCode() => _file.GetHashCode(StringComparison.Ordinal);

    protected override string? GetDocumentationForSymbol(string documentationMemberID, CultureInfo preferredCulture, CancellationToken cancellationToken = default) =>
        _members.Value.GetValueOrDefault(documentationMemberID);
}
