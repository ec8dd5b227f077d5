using System.Diagnostics;
using System.Text.Json.Nodes;

namespace EndToEnd.Fire;

/// <summary>Asks the bus what its client types still owe, and what they gave up.</summary>
internal static class DeliveryAudit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits until nobody owes anything.</summary>
    public static async Task SettledAsync(Uri bus)
    {
        using var http = new HttpClient { BaseAddress = bus, Timeout = Patience };
        for (var watch = Stopwatch.StartNew(); ; await Task.Delay(Pause))
        {
            var types = await ClientTypesAsync(http);
            if (types.All(type => type["behind"]!.GetValue<long>() == 0 && type["status"]!["keys_in_debt"]!.GetValue<long>() == 0))
                return;
            if (watch.Elapsed > Patience)
                throw new TimeoutException($"Not everything was handled within {Patience}: {string.Join('\n', types)}");
        }
    }

    /// <returns>The client types, and what is wrong with them.</returns>
    public static async Task<(IReadOnlyList<string> Names, IReadOnlyList<string> Findings)> FindAsync(Uri bus)
    {
        using var http = new HttpClient { BaseAddress = bus, Timeout = Patience };
        var (names, findings) = (new List<string>(), new List<string>());
        foreach (var type in await ClientTypesAsync(http))
        {
            var name = type["name"]!.GetValue<string>();
            names.Add(name);
            if (type["is_defect"]!.GetValue<bool>())
                findings.Add($"The bus met a defect with {name}");
            if (type["dead_letters"]!.GetValue<long>() > 0)
                findings.Add($"Dead letters of {name}: {await http.GetStringAsync(new Uri($"/admin/dead-letters?name={name}", UriKind.Relative))}");
        }

        return (names, findings);
    }

    private static async Task<IReadOnlyList<JsonNode>> ClientTypesAsync(HttpClient http) =>
        [.. JsonNode.Parse(await http.GetStringAsync(new Uri("/admin/client-types", UriKind.Relative)))!.AsArray().OfType<JsonNode>()];
}
