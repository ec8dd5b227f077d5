using System.Collections.Frozen;
using Sequent.Protocol;

namespace Sequent.Bus.Delivering;

/// <summary>Which event types somebody takes: all, or those of a set. An empty set takes nothing.</summary>
internal sealed class TypeFilter : IEquatable<TypeFilter>
{
    private readonly FrozenSet<string>? _types;

    private TypeFilter(FrozenSet<string>? types) => _types = types;

    public static TypeFilter All { get; } = new(null);

    public static TypeFilter None { get; } = new(FrozenSet<string>.Empty);

    /// <summary>The types, or null for all.</summary>
    public IReadOnlyList<string>? Types => _types?.Order(StringComparer.Ordinal).ToArray();

    /// <summary>Of a registration: exactly <c>["*"]</c> means all; among others <c>*</c> is a literal name.</summary>
    public static TypeFilter OfRegistration(IReadOnlyList<string> types) => types is [WireNames.AnyType] ? All : Of(types);

    /// <summary>Of a list of literal names, or null for all.</summary>
    public static TypeFilter Of(IEnumerable<string>? types) => types is null ? All : new(types.ToFrozenSet(StringComparer.Ordinal));

    public static TypeFilter Union(IEnumerable<TypeFilter> filters)
    {
        var union = new HashSet<string>(StringComparer.Ordinal);
        foreach (var filter in filters)
        {
            if (filter._types is null)
                return All;
            union.UnionWith(filter._types);
        }

        return Of(union);
    }

    /// <summary>This, less what <paramref name="former"/> took and <paramref name="now"/> does not. (All less a few names cannot be said; it stays all.)</summary>
    public TypeFilter Without(TypeFilter former, TypeFilter now)
    {
        if (_types is not null)
            return Of(_types.Where(type => !former.Takes(type) || now.Takes(type)));
        return former._types is null ? now : this;
    }

    public bool Takes(string eventType) => _types is null || _types.Contains(eventType);

    public bool Equals(TypeFilter? other) =>
        other is not null && (_types is null ? other._types is null : other._types is not null && _types.SetEquals(other._types));

    public override bool Equals(object? obj) => Equals(obj as TypeFilter);

    public override int GetHashCode() => _types?.Count ?? -1;
}
