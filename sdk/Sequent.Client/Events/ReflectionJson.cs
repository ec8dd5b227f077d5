using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Sequent.Client.Events;

/// <summary>
/// JSON by reflection where the program allows it, which trimmed and ahead-of-time compiled programs do not: there the same switch that
/// turns reflection off in System.Text.Json removes this branch, and the options need a source-generated resolver.
/// </summary>
internal static class ReflectionJson
{
    [FeatureSwitchDefinition("System.Text.Json.JsonSerializer.IsReflectionEnabledByDefault")]
    [FeatureGuard(typeof(RequiresUnreferencedCodeAttribute))]
    [FeatureGuard(typeof(RequiresDynamicCodeAttribute))]
    private static bool IsAllowed { get; } = JsonSerializer.IsReflectionEnabledByDefault;

    /// <summary>Options that are complete and final: only then is the metadata of a type made once and kept. Those given are not changed.</summary>
    public static JsonSerializerOptions Complete(JsonSerializerOptions given)
    {
        if (given.IsReadOnly)
            return given;
        var options = new JsonSerializerOptions(given);
        options.TypeInfoResolver ??= IsAllowed ? new DefaultJsonTypeInfoResolver() : JsonTypeInfoResolver.Combine();
        options.MakeReadOnly();
        return options;
    }
}
