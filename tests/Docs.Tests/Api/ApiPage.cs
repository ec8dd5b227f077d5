using System.Text;
using Microsoft.CodeAnalysis;

namespace Docs.Tests.Api;

/// <summary>The page of one package: its public types, and their members.</summary>
internal sealed class ApiPage(IAssemblySymbol assembly, ApiLinks links)
{
    private static readonly SymbolDisplayFormat Signature = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints | SymbolDisplayGenericsOptions.IncludeVariance,
        memberOptions: SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeType | SymbolDisplayMemberOptions.IncludeModifiers | SymbolDisplayMemberOptions.IncludeRef
            | SymbolDisplayMemberOptions.IncludeConstantValue | SymbolDisplayMemberOptions.IncludeAccessibility,
        parameterOptions: SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName | SymbolDisplayParameterOptions.IncludeDefaultValue
            | SymbolDisplayParameterOptions.IncludeParamsRefOut | SymbolDisplayParameterOptions.IncludeExtensionThis,
        propertyStyle: SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        kindOptions: SymbolDisplayKindOptions.IncludeMemberKeyword | SymbolDisplayKindOptions.IncludeTypeKeyword,
        delegateStyle: SymbolDisplayDelegateStyle.NameAndSignature,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier
            | SymbolDisplayMiscellaneousOptions.AllowDefaultLiteral);

    private readonly StringBuilder _page = new();

    /// <summary>Anybody may use it, and somebody wrote it.</summary>
    public static bool IsShown(ISymbol symbol) =>
        symbol.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal
        && (symbol.ContainingType is not { } outer || IsShown(outer))
        && !symbol.GetAttributes().Any(a => a.AttributeClass?.Name == "CompilerGeneratedAttribute")
        && symbol is not IMethodSymbol { MethodKind: not (MethodKind.Ordinary or MethodKind.Constructor or MethodKind.Conversion or MethodKind.UserDefinedOperator) }
        && !(symbol is IMethodSymbol { MethodKind: MethodKind.Constructor } constructor && constructor.ContainingType.IsValueType && constructor.Parameters.IsEmpty)
        && symbol is not IFieldSymbol { ContainingType.TypeKind: TypeKind.Enum, HasConstantValue: false };

    public string Print()
    {
        var types = TypesOf(assembly.GlobalNamespace).Where(IsShown).OrderBy(ApiLinks.NameOf, StringComparer.Ordinal).ToArray();
        _page.Append($"# {assembly.Name}\n\nGenerated from the XML documentation by `dotnet cake --target=ApiDocs`. [All packages](README.md).\n\n| type | what it is |\n| --- | --- |\n");
        foreach (var type in types)
            _page.Append($"| [`{ApiLinks.NameOf(type)}`](#{ApiLinks.AnchorOf(type)}) | {DocComment.Cell(DocComment.Of(type, links).Summary)} |\n");
        foreach (var type in types)
            Add(type);
        return _page.ToString();
    }

    private static IEnumerable<INamedTypeSymbol> TypesOf(INamespaceOrTypeSymbol container) => container.GetMembers().SelectMany(member => member switch
    {
        INamedTypeSymbol type => [type, .. TypesOf(type)],
        INamespaceSymbol space => TypesOf(space),
        _ => Enumerable.Empty<INamedTypeSymbol>(),
    });

    private void Add(INamedTypeSymbol type)
    {
        _page.Append($"\n<a id=\"{ApiLinks.AnchorOf(type)}\"></a>\n\n## {ApiLinks.NameOf(type)}\n\nNamespace `{type.ContainingNamespace.ToDisplayString()}`.\n\n```csharp\n{Declaration(type)}\n```\n");
        Add(DocComment.Of(type, links), hidden: type.GetMembers().OfType<IPropertySymbol>().Where(IsShown).Select(p => p.Name).ToHashSet(StringComparer.Ordinal));
        var members = type.GetMembers().Where(m => m is not INamedTypeSymbol && IsShown(m)).ToArray();
        if (type.TypeKind == TypeKind.Enum)
            AddValues(members);
        else
            AddMembers(members);
    }

    private void AddValues(ISymbol[] values)
    {
        _page.Append("\n| value | meaning |\n| --- | --- |\n");
        foreach (var value in values)
            _page.Append($"| <a id=\"{ApiLinks.AnchorOf(value)}\"></a>`{value.Name}` | {DocComment.Cell(DocComment.Of(value, links).Summary)} |\n");
    }

    private void AddMembers(ISymbol[] members)
    {
        foreach (var overloads in members.GroupBy(ApiLinks.AnchorOf).OrderBy(g => Rank(g.First())).ThenBy(g => g.Key, StringComparer.Ordinal))
        {
            _page.Append($"\n<a id=\"{overloads.Key}\"></a>\n\n### {ApiLinks.ShortNameOf(overloads.First())}\n");
            foreach (var member in overloads.OrderBy(m => m.GetDocumentationCommentId(), StringComparer.Ordinal))
            {
                _page.Append($"\n```csharp\n{member.ToDisplayString(Signature)}\n```\n");
                Add(DocComment.Of(member, links), hidden: []);
            }
        }
    }

    /// <summary>Constructors, then properties and the like, then methods.</summary>
    private static int Rank(ISymbol member) => member switch
    {
        IMethodSymbol { MethodKind: MethodKind.Constructor } => 0,
        IMethodSymbol => 2,
        _ => 1,
    };

    /// <param name="comment">What to say.</param>
    /// <param name="hidden">Parameters that are described elsewhere.</param>
    private void Add(DocComment comment, HashSet<string> hidden)
    {
        foreach (var text in new[] { comment.Summary, comment.Remarks })
        {
            if (text is not null)
                _page.Append($"\n{text}\n");
        }

        var parameters = comment.Parameters.Where(p => !hidden.Contains(p.Name)).ToArray();
        if (parameters.Length > 0)
            _page.Append($"\n| parameter | |\n| --- | --- |\n{string.Concat(parameters.Select(p => $"| `{p.Name}` | {DocComment.Cell(p.Text)} |\n"))}");
        if (comment.Returns is { } returns)
            _page.Append($"\nReturns: {returns}\n");
        var exceptions = comment.Exceptions.ToArray();
        if (exceptions.Length > 0)
            _page.Append($"\n| exception | when |\n| --- | --- |\n{string.Concat(exceptions.Select(e => $"| {e.Type} | {DocComment.Cell(e.Text)} |\n"))}");
    }

    private static string Declaration(INamedTypeSymbol type)
    {
        var modifiers = type switch
        {
            { IsStatic: true } => "static ",
            { TypeKind: TypeKind.Class, IsAbstract: true } => "abstract ",
            { TypeKind: TypeKind.Class, IsSealed: true } => "sealed ",
            { TypeKind: TypeKind.Struct, IsReadOnly: true } => "readonly ",
            _ => "",
        };
        string[] bases =
        [
            .. type.BaseType is { SpecialType: SpecialType.None } parent ? [ApiLinks.NameOf(parent)] : Array.Empty<string>(),
            .. type.Interfaces.Where(i => i.Name != "IEquatable" && i.DeclaredAccessibility == Accessibility.Public).Select(ApiLinks.NameOf),
        ];
        return $"public {modifiers}{type.ToDisplayString(Signature)}{(bases.Length > 0 ? $" : {string.Join(", ", bases)}" : "")}";
    }
}
