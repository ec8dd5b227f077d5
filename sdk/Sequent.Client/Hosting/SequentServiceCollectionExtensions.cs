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
    /// <exception cref="InvalidOperationException">It was called already.</exception>
    public static SequentBuilder AddSequent(this IServiceCollection services, Action<SequentOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddSequent((_, options) => configure(options));
    }

    /// <summary>Registers <see cref="ISequentClient"/> as a singleton, and runs handlers and projections while the host runs.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options with the help of other services; they are checked when the host starts.</param>
    /// <exception cref="InvalidOperationException">It was called already.</exception>
    public static SequentBuilder AddSequent(this IServiceCollection services, Action<IServiceProvider, SequentOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        if (services.Any(d => d.ServiceType == typeof(SequentRegistration)))
            throw new InvalidOperationException("AddSequent was called already. Add handlers and projections to the builder it returned.");

        var registration = new SequentRegistration();
        services.AddSingleton(registration);
        services.AddOptions<SequentOptions>().Configure<IServiceProvider>((options, provider) => Configure(options, provider, configure, registration));
        services.AddSingleton<IValidateOptions<SequentOptions>>(_ => new SequentOptionsValidator(registration.Handlers.Count > 0));
        services.AddSingleton(provider => new SequentClient(provider.GetRequiredService<IOptions<SequentOptions>>().Value));
        services.AddSingleton<ISequentClient>(provider => provider.GetRequiredService<SequentClient>());
        services.AddHostedService(provider => new SequentHost(provider, registration));
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
