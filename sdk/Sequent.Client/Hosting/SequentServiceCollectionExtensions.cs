using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sequent.Client;
using Sequent.Client.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts Sequent into an application.</summary>
public static class SequentServiceCollectionExtensions
{
    /// <summary>Registers <see cref="ISequentClient"/> as a singleton, and runs handlers and projections while the host runs.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options; they are checked when the host starts.</param>
    /// <param name="serviceKey">For an application with several clients: what belongs to this one (client, handlers, projections, their progress) is a keyed service of this key, its options have this name. Null: the only one.</param>
    /// <exception cref="InvalidOperationException">It was called already with this key.</exception>
    public static SequentBuilder AddSequent(this IServiceCollection services, Action<SequentOptions> configure, string? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddSequent((_, options) => configure(options), serviceKey);
    }

    /// <summary>Registers <see cref="ISequentClient"/> as a singleton with options from the application's configuration, and runs handlers and projections while the host runs.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="section">
    /// The section with the options, under their names: <c>Server</c>, <c>ClientType</c>, <c>Instance</c>, <c>Start</c> (<c>earliest</c> or <c>latest</c>), numbers, and times such as <c>00:00:30</c>.
    /// What it does not name stays at its default; a name that is no option is refused when the host starts.
    /// </param>
    /// <param name="configure">Sets what a configuration cannot, after it. Null: nothing.</param>
    /// <param name="serviceKey">For an application with several clients: the key of the services of this one. Null: the only one.</param>
    /// <exception cref="InvalidOperationException">It was called already with this key.</exception>
    public static SequentBuilder AddSequent(this IServiceCollection services, IConfiguration section, Action<SequentOptions>? configure = null, string? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(section);
        return services.AddSequent(
            (_, options) =>
            {
                ConfiguredOptions.Apply(section, options, serviceKey ?? "");
                configure?.Invoke(options);
            },
            serviceKey);
    }

    /// <summary>Registers <see cref="ISequentClient"/> as a singleton, and runs handlers and projections while the host runs.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options with the help of other services; they are checked when the host starts.</param>
    /// <param name="serviceKey">For an application with several clients: the key of the services of this one. Null: the only one.</param>
    /// <exception cref="InvalidOperationException">It was called already with this key.</exception>
    public static SequentBuilder AddSequent(this IServiceCollection services, Action<IServiceProvider, SequentOptions> configure, string? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        if (services.Any(d => d.ServiceType == typeof(SequentRegistration) && Equals(d.ServiceKey, serviceKey)))
            throw new InvalidOperationException($"AddSequent was called already{(serviceKey is null ? "" : $" with the key '{serviceKey}'")}. Add handlers and projections to the builder it returned, or give each client a key of its own.");

        var registration = new SequentRegistration(serviceKey);
        services.AddOptions<SequentOptions>(registration.OptionsName).Configure<IServiceProvider>((options, provider) => Configure(options, provider, configure, registration));
        services.AddSingleton<IValidateOptions<SequentOptions>>(_ => new SequentOptionsValidator(registration.Handlers.Count > 0, registration.OptionsName));
        if (serviceKey is null)
        {
            services.AddSingleton(registration);
            services.AddSingleton(provider => new SequentClient(registration.OptionsOf(provider)));
            services.AddSingleton<ISequentClient>(provider => provider.GetRequiredService<SequentClient>());
            services.AddSingleton(provider => new SequentHost(provider, registration));
        }
        else
        {
            services.AddKeyedSingleton(serviceKey, registration);
            services.AddKeyedSingleton(serviceKey, (provider, _) => new SequentClient(registration.OptionsOf(provider)));
            services.AddKeyedSingleton<ISequentClient>(serviceKey, (provider, key) => provider.GetRequiredKeyedService<SequentClient>(key));
            services.AddKeyedSingleton(serviceKey, (provider, _) => new SequentHost(provider, registration));
        }

        services.AddSingleton<IHostedService>(provider => registration.Get<SequentHost>(provider));
        return new SequentBuilder(services, registration);
    }

    private static void Configure(SequentOptions options, IServiceProvider provider, Action<IServiceProvider, SequentOptions> configure, SequentRegistration registration)
    {
        options.TimeProvider = provider.GetService<TimeProvider>() ?? options.TimeProvider;
        options.LoggerFactory = provider.GetService<ILoggerFactory>();
        configure(provider, options);
        foreach (var add in registration.Events)
            add(options.Events);
    }
}
