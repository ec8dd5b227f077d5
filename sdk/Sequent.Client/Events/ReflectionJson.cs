using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

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

    /// <summary>New options, able to read and write any type where reflection is allowed.</summary>
    public static JsonSerializerOptions CreateOptions() => IsAllowed ? new(JsonSerializerOptions.Default) : new();
}
