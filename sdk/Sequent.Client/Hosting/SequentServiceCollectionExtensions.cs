using Sequent.Client;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts Sequent into an application.</summary>
public static class SequentServiceCollectionExtensions
{
    /// <summary>Registers <see cref="ISequentClient"/> as a singleton, and runs handlers and projections while the host runs.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options; they are checked when the host starts.</param>
    public static SequentBuilder AddSequent(this IServiceCollection services, Action<SequentOptions> configure) => throw new NotImplementedException();

    /// <summary>Registers <see cref="ISequentClient"/> as a singleton, and runs handlers and projections while the host runs.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the options with the help of other services; they are checked when the host starts.</param>
    public static SequentBuilder AddSequent(this IServiceCollection services, Action<IServiceProvider, SequentOptions> configure) => throw new NotImplementedException();
}
