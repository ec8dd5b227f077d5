using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace Docs.Tests.Api;

/// <summary>The XML documentation of a symbol, as Markdown.</summary>
/// <param name="xml">The element around its parts.</param>
/// <param name="links">Where symbols are described.</param>
internal sealed partial class DocComment(XElement xml, ApiLinks links)
{
    public string? Summary => TextOf("summary");

    public string? Remarks => TextOf("remarks");

    public string? Returns => TextOf("returns");

    /// <summary>Type parameters and parameters, with their text.</summary>
    public IEnumerable<(string Name, string Text)> Parameters =>
        xml.Elements("typeparam").Concat(xml.Elements("param")).Select(p => (p.Attribute("name")!.Value, Render(p))).Where(p => p.Item2.Length > 0);

    public IEnumerable<(string Type, string Text)> Exceptions =>
        xml.Elements("exception").Select(e => (links.To(e.Attribute("cref")!.Value), Render(e)));

    /// <summary>Of a symbol; where it says <c>inheritdoc</c>, or nothing, of what it overrides or implements.</summary>
    public static DocComment Of(ISymbol symbol, ApiLinks links)
    {
        var xml = Parse(symbol);
        if (xml.Element("summary") is null && Inherited(symbol) is { } from)
            return Of(from, links);

        // A property of a record is described as a parameter of its type.
        if (symbol is IPropertySymbol && xml.Element("summary") is null
            && Parse(symbol.ContainingType).Elements("param").FirstOrDefault(p => p.Attribute("name")?.Value == symbol.Name) is { } parameter)
            return new DocComment(new XElement("doc", new XElement("summary", parameter.Nodes())), links);
        return new DocComment(xml, links);
    }

    /// <summary>Fit for a cell of a table.</summary>
    public static string Cell(string? text) => (text ?? "").Replace('\n', ' ').Replace("|", "\\|", StringComparison.Ordinal);

    private static XElement Parse(ISymbol symbol) => symbol.GetDocumentationCommentXml() is { Length: > 0 } text ? XElement.Parse(text, LoadOptions.PreserveWhitespace) : new XElement("doc");

    private static ISymbol? Inherited(ISymbol symbol) => symbol switch
    {
        IMethodSymbol { OverriddenMethod: { } method } => method,
        IPropertySymbol { OverriddenProperty: { } property } => property,
        IMethodSymbol or IPropertySymbol or IEventSymbol => symbol.ContainingType.AllInterfaces.SelectMany(i => i.GetMembers())
            .FirstOrDefault(member => SymbolEqualityComparer.Default.Equals(symbol.ContainingType.FindImplementationForInterfaceMember(member), symbol)),
        INamedTypeSymbol { TypeKind: TypeKind.Class } type => type.Interfaces.FirstOrDefault(i => Parse(i).Element("summary") is not null),
        _ => null,
    };

    private string? TextOf(string name) => xml.Element(name) is { } element && Render(element) is { Length: > 0 } text ? text : null;

    private string Render(XElement element) => Spaces().Replace(string.Concat(element.Nodes().Select(RenderNode)), " ").Trim();

    private string RenderNode(XNode node) => node switch
    {
        XText text => text.Value.Replace("<", "&lt;", StringComparison.Ordinal),
        XElement { Name.LocalName: "see" or "seealso" } see when see.Attribute("cref") is { } cref => links.To(cref.Value),
        XElement { Name.LocalName: "see" } see => $"`{see.Attribute("langword")?.Value ?? see.Attribute("href")?.Value}`",
        XElement { Name.LocalName: "paramref" or "typeparamref" } reference => $"`{reference.Attribute("name")!.Value}`",
        XElement { Name.LocalName: "c" or "code" } code => $"`{code.Value}`",

        // On one line, so that they fit a cell of a table; the items of a list carry their own punctuation.
        XElement { Name.LocalName: "para" or "list" or "item" } part => $"{Render(part)} ",
        XElement other => throw new NotSupportedException($"<{other.Name.LocalName}> in XML documentation: teach {nameof(DocComment)} how to print it."),
        _ => "",
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
