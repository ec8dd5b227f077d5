using System.Globalization;
using Microsoft.Extensions.Options;

namespace Sequent.Bus;

/// <summary>Refuses options that cannot work, all of them at once, each in a line that names the option and the remedy.</summary>
internal sealed class SequentBusOptionsValidator : IValidateOptions<SequentBusOptions>
{
    public ValidateOptionsResult Validate(string? name, SequentBusOptions options)
    {
        var faults = new List<string>();
        void Range(string option, long value, long least, long most)
        {
            if (value < least || value > most)
                faults.Add($"{option} is {value}; it must be from {least} to {most}.");
        }

        void Time(string option, TimeSpan? value, TimeSpan least, TimeSpan most)
        {
            if (value < least || value > most)
                faults.Add($"{option} is {Text(value.Value)}; it must be from {Text(least)} to {Text(most)}.");
        }

        if (options.DataFile is { } file && string.IsNullOrWhiteSpace(file))
            faults.Add("DataFile is empty; name a file such as sequent.db, or use null to keep everything in memory.");
        if (!Enum.IsDefined(options.Durability))
            faults.Add("Durability must be Full or Os.");
        Range(nameof(options.MessageBytes), options.MessageBytes, 1_024, 1L << 30);
        Range(nameof(options.EventsPerMessage), options.EventsPerMessage, 1, 1_000_000);
        Range(nameof(options.KeyBytes), options.KeyBytes, 1, 65_536);
        Range(nameof(options.EventTypeBytes), options.EventTypeBytes, 1, 65_536);
        Range(nameof(options.QueryPage), options.QueryPage, 1, 100_000);
        Range(nameof(options.Sessions), options.Sessions, 1, 1_000_000);
        Range(nameof(options.MaxInFlight), options.MaxInFlight, 1, 65_536);
        Range(nameof(options.MaxInFlightPerKey), options.MaxInFlightPerKey, 1, 65_536);
        Range(nameof(options.MaxDeliveries), options.MaxDeliveries, 1, 1_000_000);
        Range(nameof(options.MaxLosses), options.MaxLosses, 1, 1_000_000);
        Time(nameof(options.AckDeadline), options.AckDeadline, TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(7));
        Time(nameof(options.StickyIdle), options.StickyIdle, TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(7));
        Time(nameof(options.InterestGrace), options.InterestGrace, TimeSpan.Zero, TimeSpan.FromDays(365));
        Time(nameof(options.DrainTime), options.DrainTime, TimeSpan.Zero, TimeSpan.FromHours(1));
        Time(nameof(options.KeepAlive), options.KeepAlive, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        Range(nameof(options.FreeSpaceMargin), options.FreeSpaceMargin, 0, long.MaxValue);
        Range(nameof(options.RecentCommitBytes), options.RecentCommitBytes, 0, 1L << 40);
        foreach (var origin in options.AllowedOrigins.Where(o => !Uri.TryCreate(o, UriKind.Absolute, out var uri) || uri.PathAndQuery != "/" || o.EndsWith('/')))
            faults.Add($"AllowedOrigins has '{origin}'; an origin is a scheme, a host and perhaps a port: https://example.org:8443.");
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    /// <summary>As the command line takes it.</summary>
    private static string Text(TimeSpan time) => time switch
    {
        { Ticks: 0 } => "0s",
        { TotalHours: var hours } when hours == Math.Floor(hours) => string.Create(CultureInfo.InvariantCulture, $"{hours}h"),
        { TotalSeconds: var seconds } when seconds == Math.Floor(seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds}s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds}ms"),
    };
}
