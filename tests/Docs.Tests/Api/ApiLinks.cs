using Microsoft.CodeAnalysis;

namespace Docs.Tests.Api;

/// <summary>Where in the pages a symbol is described.</summary>
/// <param name="compilation">Resolves references.</param>
/// <param name="packages">The packages that have a page.</param>
internal sealed class ApiLinks(Compilation compilation, IReadOnlyList<string> packages)
{
    private static readonly SymbolDisplayFormat Name = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes);

    /// <summary>The place of a symbol in its page; overloads share one.</summary>
    public static string AnchorOf(ISymbol symbol) => symbol is INamedTypeSymbol type ? type.ContainingType is { } outer ? $"{AnchorOf(outer)}.{PartOf(type)}" : PartOf(type)
        : $"{AnchorOf(symbol.ContainingType)}.{ShortNameOf(symbol)}";

    /// <summary>With the types around it and its type parameters.</summary>
    public static string NameOf(INamedTypeSymbol type) => type.ToDisplayString(Name);

    public static string ShortNameOf(ISymbol member) => member is IMethodSymbol { MethodKind: MethodKind.Constructor } ? member.ContainingType.Name : member.Name;

    /// <summary>A reference of XML documentation (<c>M:Sequent.Client.…</c>): a link if there is a page, else just the name.</summary>
    /// <exception cref="InvalidOperationException">It refers to nothing.</exception>
    public string To(string reference)
    {
        if (DocumentationCommentId.GetFirstSymbolForDeclarationId(reference, compilation) is not { } symbol)
        {
            // A reference that the compiler has resolved to what these pages do not load, such as ASP.NET Core.
            return !reference.StartsWith('!') ? $"`{reference[2..].Split('(')[0].Split('.')[^1].Split('`')[0]}`" : throw new InvalidOperationException($"{reference} refers to nothing.");
        }

        var text = symbol is INamedTypeSymbol type ? NameOf(type) : $"{NameOf(symbol.ContainingType)}.{ShortNameOf(symbol)}";
        return packages.Contains(symbol.ContainingAssembly.Name) && ApiPage.IsShown(symbol) ? $"[`{text}`]({symbol.ContainingAssembly.Name}.md#{AnchorOf(symbol)})" : $"`{text}`";
    }

    private static string PartOf(INamedTypeSymbol type) => type.Arity == 0 ? type.Name : $"{type.Name}-{type.Arity}";
}
