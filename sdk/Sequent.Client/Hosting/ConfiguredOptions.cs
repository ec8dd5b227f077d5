using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Sequent.Client.Hosting;

/// <summary>Takes options over from a configuration, by hand: without reflection, and with a line for each value that cannot be used.</summary>
internal static class ConfiguredOptions
{
    private static readonly Dictionary<string, Action<SequentOptions, string>> Setters = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(SequentOptions.Server)] = (o, text) => o.Server = new Uri(text, UriKind.RelativeOrAbsolute),
        [nameof(SequentOptions.ClientType)] = (o, text) => o.ClientType = text,
        [nameof(SequentOptions.Instance)] = (o, text) => o.Instance = text,
        [nameof(SequentOptions.Start)] = (o, text) => o.Start = StartOf(text),
        [nameof(SequentOptions.UnitTimeout)] = (o, text) => o.UnitTimeout = Time(text),
        [nameof(SequentOptions.ReconnectDelayMax)] = (o, text) => o.ReconnectDelayMax = Time(text),
        [nameof(SequentOptions.PublishTimeout)] = (o, text) => o.PublishTimeout = Time(text),
        [nameof(SequentOptions.HandlerTimeout)] = (o, text) => o.HandlerTimeout = Time(text),
        [nameof(SequentOptions.MaxInFlight)] = (o, text) => o.MaxInFlight = Number(text),
        [nameof(SequentOptions.MaxParallelKeys)] = (o, text) => o.MaxParallelKeys = Number(text),
        [nameof(SequentOptions.FoldCacheSize)] = (o, text) => o.FoldCacheSize = Number(text),
    };

    /// <param name="section">The configuration.</param>
    /// <param name="options">What takes it over.</param>
    /// <param name="name">The name of the options.</param>
    /// <exception cref="OptionsValidationException">A value cannot be used, or is of no option; the message names each of them and the remedy.</exception>
    public static void Apply(IConfiguration section, SequentOptions options, string name)
    {
        var faults = new List<string>();
        foreach (var child in section.GetChildren())
        {
            if (!Setters.TryGetValue(child.Key, out var set))
            {
                faults.Add($"{child.Path} is no option; there are {string.Join(", ", Setters.Keys)}.");
                continue;
            }

            try
            {
                set(options, child.Value ?? throw new FormatException("it must be a single value"));
            }
            catch (Exception e) when (e is FormatException or OverflowException)
            {
                faults.Add($"{child.Path} is '{child.Value}'; {(e is FormatException ? e.Message : "it must be smaller")}.");
            }
        }

        if (faults.Count > 0)
            throw new OptionsValidationException(name, typeof(SequentOptions), faults);
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException("it must be a whole number");

    private static TimeSpan Time(string text) =>
        text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) ? time : throw new FormatException("it must be a time such as 00:00:30");

    private static Start StartOf(string text) => text.ToUpperInvariant() switch
    {
        "EARLIEST" => Start.Earliest,
        "LATEST" => Start.Latest,
        _ => throw new FormatException("it must be earliest or latest; a position can be given in code, with Start.After"),
    };
}
