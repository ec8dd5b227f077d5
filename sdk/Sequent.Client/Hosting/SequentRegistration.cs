using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Sequent.Client.Hosting;

/// <summary>What was added to one client by its builder.</summary>
/// <param name="serviceKey">The key of its services; null: they have none.</param>
internal sealed class SequentRegistration(string? serviceKey)
{
    public string? ServiceKey { get; } = serviceKey;

    public string OptionsName => ServiceKey ?? Options.DefaultName;

    public List<HandlerRegistration> Handlers { get; } = [];

    public List<ProjectionRegistration> Projections { get; } = [];

    /// <summary>Event types, to be added to the options once these are made.</summary>
    public List<Action<EventCatalog>> Events { get; } = [];

    /// <exception cref="OptionsValidationException">An option is not usable.</exception>
    public SequentOptions OptionsOf(IServiceProvider services) => services.GetRequiredService<IOptionsMonitor<SequentOptions>>().Get(OptionsName);

    /// <summary>A service that belongs to this client.</summary>
    public T Get<T>(IServiceProvider services)
        where T : notnull => ServiceKey is null ? services.GetRequiredService<T>() : services.GetRequiredKeyedService<T>(ServiceKey);
}
