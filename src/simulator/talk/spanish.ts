// What people say to support in Spanish.

import { agent, customer, type Phrasebook, type Subject } from './phrasebook.ts';

const subjects: readonly Subject[] = [
  {
    name: 'Cobro duplicado de una factura',
    turns: [
      customer(
        'Hola, estoy mirando mi extracto y parece que este mes me han cobrado {amount} dos veces.',
        'Buenas, tengo dos pagos de {amount} en la tarjeta y solo hice un pedido.',
      ),
      agent('Lo siento mucho, {customer}. Lo reviso ahora mismo. ¿Tiene a mano el número de la factura?'),
      customer('Sí, pone {order}.', 'A ver... {order}, del día {day}.'),
      agent('Gracias. Veo {order}, y efectivamente hay dos cobros de {amount}, con once minutos de diferencia.'),
      customer('Entonces no soy yo. ¿Y ahora qué pasa?', 'Vale. ¿Cuándo me devuelven el segundo?'),
      agent('Ya he anulado el segundo cobro. Según el banco, tarda entre tres y cinco días laborables en verse.'),
      customer('¿Me lo mandan por escrito? Mi contable me lo va a pedir.'),
      agent('Por supuesto. Le envío un abono de {amount} a {email}.'),
    ],
  },
  {
    name: 'Reembolso de un producto defectuoso',
    turns: [
      customer(
        'Compré un producto, {product}, y a las dos semanas dejó de funcionar. Quiero que me devuelvan el dinero.',
        'Quiero devolver un artículo: {product}. Ya no se enciende.',
      ),
      agent('Lamento oírlo. ¿Ha probado a mantener pulsado el botón de encendido veinte segundos?'),
      customer('Sí, tres veces. Nada.', 'Sí, y con otro cable también. Sigue sin encenderse.'),
      agent('Entonces nos ocupamos nosotros. Puedo mandarle otro antes del día {day}, o devolverle los {amount}.'),
      customer('El dinero, por favor. Ya no me fío.', 'Otro me vale, si llega antes del día {day}.'),
      agent('Entendido. La etiqueta va camino de {email}; puede dejar el paquete en cualquier tienda de {city}.'),
      customer('¿Hace falta la caja original?'),
      agent('No, cualquier caja sirve. En cuanto el transportista la escanee, liberamos los {amount}.'),
      customer('¿Y cuánto tarda eso?'),
      agent('Dos días laborables, casi siempre menos. Su número de caso es {ticket}, por si nos necesita.'),
    ],
  },
  {
    name: 'Cambio de una cita',
    turns: [
      customer(
        'Hola, tengo una cita el día {day} a las {time} y necesito cambiarla.',
        'Buenas, me ha surgido algo en el trabajo. ¿Podemos buscar otra hora para mi visita del día {day}?',
      ),
      agent('Sin problema. ¿Me dice su nombre y su fecha de nacimiento, por favor?'),
      customer('{customer}, el {day} de mayo.', '{customer}. También debería aparecer con {email}.'),
      agent('Aquí está. Puedo ofrecerle las {time} del día {day}, o la primera hora de la semana siguiente.'),
      customer('La primera opción me va bien.', 'Mejor la semana siguiente, hasta entonces estoy de viaje.'),
      agent('Queda reservada. Traiga el formulario que le enviamos y llegue diez minutos antes, por favor.'),
      customer('Ya no tengo ese formulario. ¿Me lo puede volver a mandar?'),
      agent('Lo tiene otra vez en {email}. Puede rellenarlo en el móvil.'),
    ],
  },
];

export const spanish: Phrasebook = {
  subjects,
  greetings: {
    call: {
      named: [
        'Gracias por llamarnos, mi nombre es {agent}. ¿En qué puedo ayudarle hoy?',
        'Hola, buenos días. Le atiende {agent}. ¿Qué puedo hacer por usted?',
      ],
      plain: ['Hola, ¿en qué puedo ayudarle?'],
    },
    message: {
      named: ['Hola, gracias por escribirnos. Mi nombre es {agent} y lo estoy revisando.'],
      plain: ['Hola, lo estoy revisando.'],
    },
  },
  asides: {
    any: [
      [customer('¿Va a tardar mucho? Tengo que salir ya.'), agent('Dos o tres minutos como mucho. Me doy prisa.')],
      [agent('Un momento, por favor, hoy el sistema va un poco lento.'), customer('Sin prisa.', 'No se preocupe.')],
      [customer('Por cierto, ¿todavía tienen {email} como mi dirección?'), agent('Sí, {email}. Si quiere, la cambio.')],
    ],
    call: [
      [
        customer('Perdone, ¿puede repetirlo? Se oye mal.'),
        agent('Claro: sigo aquí, y tengo abierto su caso {ticket}.'),
      ],
    ],
  },
  handover: [
    customer('Prefiero hablar con una persona, por favor.', '¿Me puede pasar con alguien?'),
    agent('Hola, {customer}, soy {colleague}. He leído todo, así que no hace falta que lo repita.'),
  ],
  transfer: [
    agent('De esto se ocupa otro equipo, {customer}. Le paso con {colleague}, que puede terminarlo.'),
    agent('Hola, {customer}, le habla {colleague}. {agent} me ha pasado su caso {ticket} y lo tengo abierto.'),
  ],
  waiting: [
    '¿Hola? ¿Hay alguien ahí?',
    'Llevo un rato esperando. ¿Puede contestarme alguien, por favor?',
    'Es urgente. También me encuentran en {email}.',
  ],
  farewells: {
    positive: ['Estupendo, gracias por su ayuda, {helper}.', 'Gracias, era todo lo que necesitaba. Perfecto.'],
    neutral: ['De acuerdo, a ver si funciona.', 'Vale. Entonces espero su mensaje.'],
    negative: ['La verdad, esperaba otra cosa.', 'No me voy contento. Ha tardado demasiado.'],
  },
  goodbyes: {
    plain: ['De nada, {customer}. ¡Que tenga un buen día!', 'Gracias por su tiempo. ¡Hasta luego!'],
    offering: ['¿Puedo ayudarle en algo más, {customer}? Si no, ¡cuídese!'],
  },
  givenNames: 'Alba,Bruno,Carmen,Diego,Elena,Íñigo,Julia,Lucía,Manuel,Noelia,Óscar,Paula,Raúl,Sofía,Ximena,Yago'.split(
    ',',
  ),
  familyNames:
    'Álvarez,Blanco,Castro,Domínguez,Fuentes,Gil,Herrera,Ibáñez,Lozano,Muñoz,Núñez,Ortega,Peña,Reyes,Soto,Vidal'.split(
      ',',
    ),
  cities: 'Valencia,Sevilla,Bilbao,Monterrey,Puebla,Mérida'.split(','),
  products: 'cafetera,lámpara,auriculares,robot aspirador,vigilabebés'.split(','),
  dayOf: String,
};
