using Microsoft.Extensions.Options;

namespace Sequent.Client;

/// <summary>Checks options once; every fault names its option and the remedy.</summary>
/// <param name="hasHandlers">Handlers need a client type and a start.</param>
/// <param name="name">Of several options in one host those it checks.</param>
internal sealed class SequentOptionsValidator(bool hasHandlers, string? name = null) : IValidateOptions<SequentOptions>
{
    private const int MaxWindow = 65_536;

    public ValidateOptionsResult Validate(string? checkedName, SequentOptions options)
    {
        if (name is not null && checkedName != name)
            return ValidateOptionsResult.Skip;
        var faults = FaultsOf(options).ToArray();
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    /// <exception cref="OptionsValidationException">An option is not usable.</exception>
    public void ThrowIfInvalid(SequentOptions options)
    {
        var faults = FaultsOf(options).ToArray();
        if (faults.Length > 0)
            throw new OptionsValidationException(Options.DefaultName, typeof(SequentOptions), faults);
    }

    private IEnumerable<string> FaultsOf(SequentOptions o)
    {
        if (o.Server is null || !o.Server.IsAbsoluteUri || o.Server.Scheme is not ("ws" or "wss"))
            yield return $"Server is '{o.Server}'; it must be an absolute ws:// or wss:// address, such as ws://localhost:8081.";
        if (o.Json is null)
            yield return "Json must not be null; leave it alone for the default.";
        if (o.TimeProvider is null)
            yield return "TimeProvider must not be null; leave it alone for the system's clock.";
        if (hasHandlers && string.IsNullOrWhiteSpace(o.ClientType))
            yield return "ClientType is not set; handlers need the name of this service, the same for all of its instances.";
        if (hasHandlers && o.Start is null)
            yield return "Start is not set; handlers need to know where a new client type starts: Start.Earliest, Start.Latest or Start.After.";
        if (o.FoldCacheSize < 0)
            yield return $"FoldCacheSize is {o.FoldCacheSize}; it must be 0 (keep none) or more.";
        foreach (var (option, count) in new[] { (nameof(o.MaxInFlight), o.MaxInFlight), (nameof(o.MaxParallelKeys), o.MaxParallelKeys) })
        {
            if (count is < 1 or > MaxWindow)
                yield return $"{option} is {count}; it must be between 1 and {MaxWindow}.";
        }

        foreach (var (option, time) in new (string, TimeSpan)[]
        {
            (nameof(o.UnitTimeout), o.UnitTimeout),
            (nameof(o.ReconnectDelayMax), o.ReconnectDelayMax),
            (nameof(o.HandlerTimeout), o.HandlerTimeout),
            (nameof(o.PublishTimeout), o.PublishTimeout ?? TimeSpan.FromSeconds(1)),
        })
        {
            // Beyond this no timer can count.
            if (time <= TimeSpan.Zero || time.TotalMilliseconds > int.MaxValue)
                yield return $"{option} is {time}; it must be more than zero and at most 24 days.";
        }
    }
}
